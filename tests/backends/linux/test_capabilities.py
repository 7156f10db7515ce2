"""Who may change the network: whoever has CAP_NET_ADMIN, be it root or not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from cnpc.backends.linux import capabilities
from cnpc.backends.linux.capabilities import has_net_admin
from command import CLUSTER, CNPC, STORIES, cnpc, run
from netcluster import Namespace

_NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")


@pytest.mark.parametrize(
    ("status", "euid", "may"),
    [
        ("CapEff:\t0000000000001000\n", 1000, True),
        ("CapEff:\t000001ffffffefff\n", 0, False),
        ("CapEff:\t0000000000000000\n", 0, False),
        ("Name:\tcnpc\n", 0, True),
        ("Name:\tcnpc\n", 1000, False),
    ],
)
def test_the_capability_counts_and_not_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: str, euid: int, *, may: bool
) -> None:
    file = tmp_path / "status"
    file.write_text(status)
    monkeypatch.setattr(capabilities, "_STATUS", file)
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    assert has_net_admin() is may


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder of the user nobody."""
    path = Path(mkdtemp(dir="/tmp"))
    os.chown(path, _NOBODY, _NOBODY)
    yield path
    shutil.rmtree(path)


@pytest.mark.requires_root_and_nft
def test_who_is_not_root_applies_with_the_capability(
    space: Namespace,  # noqa: ARG001 - be in it
    folder: Path,
) -> None:
    if run(*AS_NOBODY, CNPC, "--version").code != 0:
        pytest.skip(f"needs {CNPC} to be within reach of every user")
    made = cnpc("compile", CLUSTER, STORIES / "1-deny", "-o", folder)
    assert made.code == 0, made.err
    ruleset = folder / "worker-1.nft"
    environment = {"CNPC_STATE_DIR": str(folder / "state")}
    refused = run(*AS_NOBODY, CNPC, "apply", ruleset, environment=environment)
    assert refused.code == 3
    assert "nor has it the capability NET_ADMIN" in refused.err
    allowed = (*AS_NOBODY, "--inh-caps=+net_admin", "--ambient-caps=+net_admin", CNPC)
    done = run(*allowed, "apply", ruleset, environment=environment)
    assert (done.code, done.err) == (0, "")
    assert run(*allowed, "status", environment=environment).code == 0


@pytest.mark.requires_root_and_nft
def test_root_without_the_capability_is_told_of_the_container(
    space: Namespace,  # noqa: ARG001 - be in it
    tmp_path: Path,
) -> None:
    done = run(
        *("setpriv", "--bounding-set=-net_admin", CNPC, "status"),
        environment={"CNPC_STATE_DIR": str(tmp_path)},
    )
    assert done.code == 3
    assert "root lacks the capability NET_ADMIN here; give the container" in done.err
