"""The installed ``cnpc``, run as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CNPC = Path(sys.executable).with_name("cnpc")
STORIES = Path(__file__).parents[1] / "examples" / "stories"
CLUSTER = STORIES / "cluster.yaml"


@dataclass(frozen=True, slots=True)
class Done:
    """How a process ended and what it said."""

    code: int
    out: str
    err: str


def run(
    *command: str | Path,
    stdin: bytes = b"",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run a command to its end; the environment is added to this process's."""
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def cnpc(
    *arguments: str | Path,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run cnpc to its end; it must never show a traceback."""
    done = run(CNPC, *arguments, stdin=stdin, environment=environment)
    assert "Traceback" not in done.err
    assert "internal error" not in done.err
    return done


def contents(folder: Path) -> dict[str, str]:
    """Return the texts of all files in a folder, hidden ones too, by name."""
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}
