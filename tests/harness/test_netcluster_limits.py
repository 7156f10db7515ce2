"""Where packets cannot be sent, tests say why they did not run; where they must be, they fail."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import netcluster
import pytest

pytest_plugins = ["pytester"]


def test_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert netcluster.missing() == "needs root for network namespaces"


@pytest.mark.parametrize("tool", ["nft", "ip"])
def test_needs_tools(monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == tool else name)
    assert netcluster.missing() == f"needs {tool}"


@pytest.mark.parametrize(("required", "outcome"), [("", {"skipped": 1}), ("1", {"errors": 1})])
def test_marked_tests_are_skipped_or_failed(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    required: str,
    outcome: dict[str, int],
) -> None:
    pytester.makeconftest((Path(__file__).parents[1] / "conftest.py").read_text())
    pytester.makepyfile(
        "import pytest\n\n@pytest.mark.requires_root_and_nft\ndef test_it():\n    pass\n"
    )
    monkeypatch.setenv("CNPC_REQUIRE_PACKETS", required)
    monkeypatch.setattr(netcluster, "missing", lambda: "needs root")
    result = pytester.runpytest("-rsE")
    result.assert_outcomes(**outcome)
    result.stdout.fnmatch_lines(["*: needs root*"])
