"""Who puts the old ruleset back when nobody confirms the new one in time.

It is a process of its own in a session of its own, so that it outlives the terminal and the cnpc
that started it:

    python -m cnpc.compiler.cli.node.applying.confirm FOLDER TOKEN UNTIL

All that it will need of this program it has imported and read before it says that it is ready: a
package may be replaced while it waits, and a disk may fail. It tries for as long as the new ruleset
waits; where it is killed, the next command does its work.
"""

from __future__ import annotations

import contextlib
import select
import signal
import subprocess
import sys
from pathlib import Path

from .....backends.apply.engine import Engine
from .....backends.apply.record import PendingConfirm
from .....backends.apply.store import Store
from .....backends.linux import boot_clock
from ....errors import CnpcError, NodeError
from ..engine import dataplanes

_READY = b"ready\n"
_CANNOT_START = "cannot start the process that would put the old ruleset back"
_START_SECONDS = 60.0
_STEP = 1.0
_LONGEST_STEP = 10.0


def start_guardian(state_dir: Path, pending: PendingConfirm) -> None:
    """Start it, and return when it watches the clock; NodeError if it does not start."""
    folder = str(state_dir.absolute())
    argv = [sys.executable, "-m", __name__, folder, pending.token, str(pending.until)]
    try:
        process = subprocess.Popen(  # noqa: S603 - this very program
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
    except OSError as refusal:
        raise NodeError(f"{_CANNOT_START}: {refusal.strerror or refusal}") from None
    with process.stdout or contextlib.nullcontext() as pipe:
        begun = pipe and select.select([pipe], [], [], _START_SECONDS)[0]
        answer = pipe.readline() if pipe and begun else b""
    if answer != _READY:
        process.kill()
        process.wait()
        raise NodeError(_CANNOT_START)


def guard(folder: str, token: str, until: str) -> int:
    """Wait for the time, then put back what was there, unless it was confirmed."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    engine = Engine(dataplanes(), Store(Path(folder)), _wait, _warn)
    _reach_all()
    engine.ready_to_revert(token)
    sys.stdout.buffer.write(_READY)
    sys.stdout.flush()
    sys.stdout.close()
    step = _STEP
    while True:
        left = float(until) - boot_clock.now()
        try:
            if not engine.waits(token):
                engine.write_again()
                return 0
            if left <= 0:
                engine.revert(token)
                continue
        except Exception:  # noqa: BLE001 - whatever it is, it is tried again
            if left <= 0:
                step = min(2 * step, _LONGEST_STEP)
        # A duration, where time.sleep waits for a time on a clock (clock_nanosleep(2)).
        select.select([], [], [], min(step, max(left, _STEP)))


def _reach_all() -> None:
    """Import what there is for each packet filter; what the node lacks is not needed to go back."""
    for reach in dataplanes().values():
        with contextlib.suppress(CnpcError):
            reach()


def _wait() -> None:
    """Wait for another cnpc in silence."""


def _warn(_words: str) -> None:
    """Tell nobody, as nobody listens."""


if __name__ == "__main__":
    sys.exit(guard(*sys.argv[1:]))
