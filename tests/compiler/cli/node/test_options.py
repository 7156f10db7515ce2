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
        (("a.v4", CLUSTER), "one ruleset, or manifests"),
        (("a.v4", "b.v6"), "files of different rulesets"),
        (("a.v4", "b.v4"), "one ruleset, or manifests"),
        (("a.v4",), "a.v4: error: cannot read"),
        ((CLUSTER, DENY, "--node", "worker-1", "--backend", "ebtables"), "--backend"),
        ((CLUSTER, DENY), "--node NAME says which"),
        ((CLUSTER, DENY, "--node", "nobody"), "no node 'nobody'"),
        (("/nowhere.nft",), "cannot read: No such file or directory"),
        *(
            ((CLUSTER, "--confirm", time), f"'{time}' is no time from 1s to 24h")
            for time in (
                "0.0",
                "0.5s",
                "inf",
                "1e+30",
                "86401.0",
                "25h",
                "nan",
                "soon",
                "",
                "-1",
                "1d",
            )
        ),
        ((CLUSTER, "--state-dir", ""), "the name is empty"),
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
        "from pathlib import Path\n"
        "from cnpc.backends.linux import capabilities\n"
        "capabilities._STATUS = Path('/nowhere')\n"
        "os.geteuid = lambda: 65534\n"
        "os.access = lambda *_: False\n"  # the folder is root's alone
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
    assert done.stderr == (
        "cnpc: error: this is not root, nor has it the capability NET_ADMIN; "
        "run cnpc as root, or with sudo\n"
    )


def written(folder: Path, backend: str) -> Path:
    """Return what the files of a node begin with, compiled for a backend."""
    done = cnpc("compile", CLUSTER, DENY, "--backend", backend, "-o", folder)
    assert done.code == 0, done.err
    return folder / "worker-1"


@pytest.mark.parametrize("missing", ["ipset", "v4", "v6"])
def test_a_missing_file_of_three_is_named(tmp_path: Path, missing: str) -> None:
    stem = written(tmp_path, "iptables")
    stem.with_suffix(f".{missing}").unlink()
    given = next(name for name in ("v6", "ipset") if name != missing)
    done = cnpc("diff", stem.with_suffix(f".{given}"), "--state-dir", tmp_path / "state")
    assert done.code == 2
    assert f"worker-1.{missing}: error: a ruleset for iptables is three files" in done.err


@pytest.mark.parametrize("compiled", ["iptables", "nftables"])
def test_files_of_another_backend_are_refused(tmp_path: Path, compiled: str) -> None:
    wanted = "nftables" if compiled == "iptables" else "iptables"
    stem = written(tmp_path, compiled)
    path = stem.with_suffix(".v4" if compiled == "iptables" else ".nft")
    done = cnpc("apply", path, "--backend", wanted, "--state-dir", tmp_path / "state")
    assert done.code == 2
    assert f"this is a ruleset for {compiled}" in done.err


@pytest.mark.parametrize("suffix", ["nft", "v4"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-O0", "--deny-with", "drop"), "-O, --deny-with: this is a ruleset"),
        (("--own-node", "enforce"), "--own-node: this is a ruleset"),
        (("--on-unknown", "error"), "--on-unknown: this is a ruleset"),
        (("--node", "worker-2"), "--node worker-2: this is a ruleset of node worker-1"),
    ],
)
def test_a_ruleset_is_past_what_options_ask_of_manifests(
    tmp_path: Path, suffix: str, options: tuple[str, ...], words: str
) -> None:
    path = written(tmp_path, {"nft": "nftables", "v4": "iptables"}[suffix]).with_suffix(
        f".{suffix}"
    )
    done = cnpc("save", path, *options, "--state-dir", tmp_path / "state")
    assert done.code == 2
    assert words in done.err
    kept = cnpc("save", path, "--node", "worker-1", "--state-dir", tmp_path / "state")
    assert kept.code == 0


def test_three_files_of_three_names_go_together(tmp_path: Path) -> None:
    stem = written(tmp_path, "iptables")
    paths = [
        stem.with_suffix(f".{suffix}").rename(tmp_path / f"{number}.{suffix}")
        for number, suffix in enumerate(("v6", "ipset", "v4"))
    ]
    state = tmp_path / "state"
    assert "the next boot loads" in cnpc("save", *paths, "--state-dir", state).out
    assert "the next boot loads" in cnpc("save", "--state-dir", state).out
    assert {path.stat().st_mode & 0o777 for path in (state / "rulesets").iterdir()} == {0o600}
