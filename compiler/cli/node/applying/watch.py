"""``cnpc apply --watch``: stay, and put right within a second what others change."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from .....backends.apply.dataplane import Drift
from .....backends.apply.engine import Engine
from ....errors import CnpcError
from ...output.messages import report_message, report_warning

_PERIOD = 0.25
_LONGEST_PERIOD = 8.0
_PAUSE = 20
"""How many times longer than a look at all elements lasts it is until the next such look."""
_IDLE_PAUSE, _SHORTEST_IDLE_PAUSE = 100, 60.0
"""The same where nobody seems to have changed anything, and its least in seconds: who exchanges an
entry of ipset for another changes no number."""


def watch(engine: Engine, first: Callable[[], None] | None = None) -> None:
    """Look four times a second whether anybody committed anything, until told to end.

    What is to be done ``first`` is tried until it goes well.

    What neighbours such as kube-proxy commit every second must not cost a look at all elements each
    time, which takes a second for 500,000. Rules, and how many elements there are, cost little.
    What is put back is the version that was loaded last, whoever loaded it. A signal is how it is
    meant to end, with exit code 0: systemd takes 143 for a failure of the service that it stops. No
    error ends it: it is told once, and again when it is another one, and looked at less often while
    it lasts.
    """
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    looks = _Looks(engine, first)
    told = ""
    period = _PERIOD
    while not ended.wait(period):
        try:
            looks.look()
            words = ""
        except CnpcError as refusal:
            words = f"error: {refusal}"
        except Exception as bug:  # noqa: BLE001 - whatever it is, the ruleset needs its engine
            words = f"internal error: {type(bug).__name__}: {bug}"
        if words and words != told:
            report_message(words)
        elif told and not words:
            report_message("the error is over")
        period = min(2 * period, _LONGEST_PERIOD) if words == told and words else _PERIOD
        told = words


@dataclass
class _Looks:
    """What was seen last, and when all elements are looked at again."""

    engine: Engine
    first: Callable[[], None] | None = None
    seen: object = None
    due: float = 0.0
    due_when_idle: float = 0.0

    def look(self) -> None:
        """Put right what differs from what was loaded; CnpcError where that is impossible."""
        if self.first:
            self.first()
            self.first = None
        self.engine.write_again()
        generation = self.engine.generation()
        began = time.monotonic()
        is_idle = generation == self.seen and not self.engine.overdue()
        if is_idle and began < self.due_when_idle:
            return
        wholly = began >= self.due
        drift = self.engine.restore(wholly=wholly)
        if wholly:
            ended = time.monotonic()
            self.due = ended + _PAUSE * (ended - began)
            pause = max(_SHORTEST_IDLE_PAUSE, _IDLE_PAUSE * (ended - began))
            self.due_when_idle = ended + pause
        if drift is not Drift.NONE:
            report_warning(f"{drift.before}; it was put right")
        elif wholly:
            self.seen = generation
