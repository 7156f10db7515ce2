"""The commands on a node, as processes: what they say of wrong calls, and how they end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import CLUSTER, STORIES, cnpc

DENY = STORIES / "1-deny"
COMMANDS = ("apply", "boot", "diff", "doctor", "flush", "rollback", "save", "status")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_what_a_command_is_for(command: str) -> None:
    done = cnpc(command, "-h")
    assert done.code == 0
    assert "--state-dir" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give a PATH, or --confirmed"),
        (("a.nft", "--confirmed"), "give a PATH, or --confirmed"),
        (("a.nft", "--check", "--watch"), "exclude each other"),
        (("a.nft", "--check", "--cut-established"), "belongs to an apply that loads"),
        (("a.nft", "b.nft"), "one ruleset, or manifests"),
        (("a.nft", CLUSTER), "one ruleset, or manifests"),
        (("a.v4",), "only nftables rulesets"),
        ((CLUSTER, DENY), "--node NAME says which"),
        ((CLUSTER, DENY, "--node", "nobody"), "no node 'nobody'"),
        (("/nowhere.nft",), "cannot read: No such file or directory"),
        ((CLUSTER, "--confirm", "0"), "--confirm"),
    ],
)
def test_wrong_calls_end_with_2(arguments: tuple[object, ...], words: str) -> None:
    done = cnpc("apply", *map(str, arguments))
    assert done.code == 2
    assert words in done.err


@pytest.mark.parametrize("command", ["status", "flush", "rollback", "boot"])
def test_without_root_the_remedy_is_told(tmp_path: Path, command: str) -> None:
    script = (
        "import os, sys\n"
        "os.geteuid = lambda: 65534\n"
        "from cnpc.compiler.cli.main import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, command, "--state-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr == "cnpc: error: this is not root; run cnpc as root, or with sudo\n"
