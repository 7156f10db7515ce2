"""Folders of programs for a PATH: real ones, and such that do something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from cnpc.backends.linux import programs

FAULTS = {
    "fails": 'echo "a reason" >&2; exit 1',
    "fails without a word": "exit 1",
    "hangs": "exec sleep 1000",
    "prints nonsense": "printf 'what\\377ever\\n:\\n\\n*\\n'",
    "prints nothing": ":",
    "cannot be started": None,
    "is missing": None,
}
"""What goes wrong with a program: what it does instead, as a shell script."""


class Programs:
    """The folder of all programs that cnpc finds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.real = programs.search_path()
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setattr(programs, "SYSTEM_PATH", str(folder))
        monkeypatch.setattr(programs, "LONGEST_SECONDS", 0.3)

    def link(self, name: str, path: str) -> None:
        """Let a program be that of a path."""
        (self.folder / name).unlink(missing_ok=True)
        (self.folder / name).symlink_to(path)

    def script(self, name: str, text: str) -> None:
        """Let a program be a shell script."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\nPATH={self.real}\n{text}\n")
        path.chmod(0o755)

    def spoil(self, name: str, fault: str) -> None:
        """Let something go wrong with a program."""
        script = FAULTS[fault]
        if script is not None:
            self.script(name, script)
            return
        (self.folder / name).unlink()
        if fault == "cannot be started":
            (self.folder / name).write_bytes(b"\x7fELF")
            (self.folder / name).chmod(0o755)
