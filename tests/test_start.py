"""What the runs that are to be short import: most of their time goes into that."""

from __future__ import annotations

import sys

import pytest
from command import run

PROGRAM = """
import sys
from cnpc.compiler.cli.main import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""
START = {
    "cnpc",
    "cnpc.compiler",
    "cnpc.compiler.cli",
    "cnpc.compiler.cli.later",
    "cnpc.compiler.cli.main",
    "cnpc.compiler.cli.messages",
    "cnpc.compiler.errors",
}
DEAR = {"jinja2", "lark", "msgspec", "tempfile", "yaml"}


def imported(*arguments: str) -> set[str]:
    """Return the modules that a run imported, which says nothing on standard error itself."""
    done = run(sys.executable, "-c", PROGRAM, *arguments)
    assert done.code == 0
    return set(done.err.split())


def own(modules: set[str]) -> set[str]:
    """Return those of the product."""
    return {name for name in modules if name.split(".")[0] == "cnpc"}


@pytest.mark.parametrize("option", ["-h", "--version"])
def test_what_needs_no_command_imports_none(option: str) -> None:
    modules = imported(option)
    assert own(modules) == START
    assert not modules & DEAR
