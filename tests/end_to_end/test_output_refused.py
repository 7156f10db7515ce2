"""Standard output that is full, closed or without a reader: what was done is done, to its end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from command import CNPC, cnpc
from netcluster import Namespace
from netcluster.namespaces import run
from small_rulesets import A, B

pytestmark = pytest.mark.requires_root_and_nft

REFUSING = {
    "full": '"$@" >/dev/full',
    "no reader": '{ "$@"; echo $? >&3; } 3>&2 | true',
    "closed": '"$@" >&-',
}
WARNING = "cnpc: warning: cannot write to standard output: {}\n"
TOLD = {
    "full": WARNING.format("No space left on device"),
    "no reader": "",
    "closed": WARNING.format("Bad file descriptor"),
}


@pytest.fixture
def files(space: Namespace, tmp_path: Path) -> tuple[Path, Path]:  # noqa: ARG001 - in it
    for name, ruleset in (("a", A), ("b", B)):
        (tmp_path / f"{name}.nft").write_text(ruleset.texts["nft"])
    return tmp_path / "a.nft", tmp_path / "b.nft"


@pytest.mark.parametrize("way", REFUSING)
def test_what_was_done_stays_done(files: tuple[Path, Path], way: str) -> None:
    first, second = files
    environment = {**os.environ, "CNPC_STATE_DIR": str(first.parent / "state")}

    def told(*arguments: str | Path) -> tuple[int, str]:
        argv = ["sh", "-c", REFUSING[way], "sh", str(CNPC), *map(str, arguments)]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        if way == "no reader":
            *lines, code = done.stderr.splitlines(keepends=True)
            return int(code), "".join(lines)
        return done.returncode, done.stderr

    expected = (0, TOLD[way])
    assert told("apply", first) == expected
    assert told("apply", "--cut-established", second) == expected
    assert told("apply", "--json", first) == expected
    assert told("rollback") == expected
    assert told("save", first) == expected
    assert told("boot") == expected
    assert told("status") == expected
    assert told("diff", second)[0] == 1
    assert told("flush") == expected
    assert "cnpc" not in run(("nft", "list", "tables"))
    assert cnpc("status", environment=environment).code == 1
