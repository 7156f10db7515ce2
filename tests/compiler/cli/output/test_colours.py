"""Colours: who gets them, and that each has one meaning."""

from __future__ import annotations

import io
import os
import pty
import subprocess
from pathlib import Path

import pytest
from cnpc.compiler.cli.output.colours import CODES, wanted
from command import CNPC, cnpc, run

WRONG = b"{apiVersion: v1, kind: Node, metadata: {name: 1}}\n"
RED, CYAN, BOLD, END = "\x1b[31m", "\x1b[36m", "\x1b[1m", "\x1b[0m"
NONE = {"NO_COLOR": "", "FORCE_COLOR": ""}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "getting"),
    [
        ({}, [Terminal]),
        ({"TERM": "dumb"}, []),
        ({"NO_COLOR": "1"}, []),
        ({"FORCE_COLOR": "1"}, [Terminal, io.StringIO]),
        ({"FORCE_COLOR": "0"}, []),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, []),
    ],
)
def test_who_gets_colours(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], getting: list[type[io.StringIO]]
) -> None:
    for name, value in {"TERM": "xterm", **NONE, **environment}.items():
        monkeypatch.setenv(name, value)
    assert [kind for kind in (Terminal, io.StringIO) if wanted(kind())] == getting


def test_each_colour_has_one_meaning() -> None:
    assert len(set(CODES.values())) == len(CODES)


def test_a_file_gets_none_unless_they_are_forced() -> None:
    plain = cnpc("compile", "-", stdin=WRONG, environment=NONE)
    assert "\x1b" not in plain.err
    forced = cnpc("compile", "-", stdin=WRONG, environment={**NONE, "FORCE_COLOR": "1"})
    assert forced.err.startswith(f"{BOLD}<stdin>:1:47:{END} {RED}error:{END} metadata.name: ")
    assert f"    {CYAN}hint:{END} write it in quotes\n" in forced.err
    bare = forced.err
    for code in (RED, CYAN, BOLD, END):
        bare = bare.replace(code, "")
    assert bare == plain.err


def test_a_terminal_gets_them(tmp_path: Path) -> None:
    (tmp_path / "in.yaml").write_bytes(WRONG)
    ours, theirs = pty.openpty()
    process = subprocess.run(
        [CNPC, "compile", tmp_path / "in.yaml"],
        stderr=theirs,
        check=False,
        env={"TERM": "xterm", "PATH": "/usr/bin:/bin"},
    )
    assert process.returncode == 2
    assert RED in os.read(ours, 4096).decode()
    os.close(ours)
    os.close(theirs)


def test_a_failure_without_a_place_is_coloured_too() -> None:
    script = f"FORCE_COLOR=1 NO_COLOR= '{CNPC}' --version >/dev/full"
    assert run("sh", "-c", script).err.startswith(f"cnpc: {RED}error:{END} No space left")


def test_what_doctor_finds_is_coloured_by_how_bad_it_is(tmp_path: Path) -> None:
    words = ("doctor", "--state-dir", tmp_path)
    plain = cnpc(*words, environment=NONE).out
    forced = cnpc(*words, environment={**NONE, "FORCE_COLOR": "1"}).out
    shown = {"ok": "\x1b[32m", "warning": "\x1b[33m", "missing": RED}
    for line, bare in zip(forced.splitlines(), plain.splitlines(), strict=True):
        level = bare.split()[0]
        assert line == f"{shown[level]}{bare[:8]}{END}{bare[8:]}"
