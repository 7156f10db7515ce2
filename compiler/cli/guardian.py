"""Who puts the old ruleset back when nobody confirms the new one in time.

It is a process of its own in a session of its own, so that it outlives the terminal and the cnpc
that started it: ``python -m cnpc.compiler.cli.guardian FOLDER TOKEN UNTIL``.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

from ...backends.keeper import Keeper
from ...backends.notes import Pending
from ...backends.record import State
from ..errors import CnpcError, NodeError
from .filters import filters

_READY = b"ready\n"
_STEP = 1.0
_TRIES = 30


def start_guardian(state_dir: Path, pending: Pending) -> None:
    """Start it, and return when it watches the clock; NodeError if it does not start."""
    folder = str(state_dir.absolute())
    argv = [sys.executable, "-m", __name__, folder, pending.token, str(pending.until)]
    process = subprocess.Popen(  # noqa: S603 - this very program
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    with process.stdout or contextlib.nullcontext() as pipe:
        answer = pipe.readline() if pipe else b""
    if answer != _READY:
        raise NodeError("cannot start the process that would put the old ruleset back")


def guard(folder: str, token: str, until: str) -> int:
    """Wait for the time, then put back what was there, unless it was confirmed."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    keeper = Keeper(filters(), State(Path(folder)), _wait, _warn)
    sys.stdout.buffer.write(_READY)
    sys.stdout.flush()
    sys.stdout.close()
    while (left := float(until) - time.time()) > 0:
        time.sleep(left)
    for _ in range(_TRIES):
        try:
            keeper.revert(token)
        except CnpcError:
            time.sleep(_STEP)
        else:
            return 0
    return 1


def _wait() -> None:
    """Wait for another cnpc in silence."""


def _warn(_words: str) -> None:
    """Tell nobody, as nobody listens."""


if __name__ == "__main__":
    sys.exit(guard(*sys.argv[1:]))
