"""``cnpc apply --watch``: stay, and put right within a second what others change."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

from ...backends.keeper import Keeper
from ...backends.packet_filter import Drift
from ..errors import NodeError
from .messages import report_message, report_warning

_PERIOD = 0.25
_PAUSE = 20
"""How many times longer than a look at all elements lasts it is until the next such look."""


def watch(keeper: Keeper) -> None:
    """Look four times a second whether anybody committed anything, until told to end.

    What neighbours such as kube-proxy commit every second must not cost a look at all elements each
    time, which takes a second for 500,000. Rules, and how many elements there are, cost little.
    What is put back is the version that was loaded last, whoever loaded it. A signal is how it is
    meant to end, with exit code 0: systemd takes 143 for a failure of the service that it stops.
    """
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    seen: object = None
    due = 0.0
    while not ended.wait(_PERIOD):
        generation = keeper.generation()
        if generation == seen:
            continue
        began = time.monotonic()
        wholly = began >= due
        try:
            drift = keeper.restore(wholly=wholly)
        except NodeError as refusal:
            report_message(f"error: {refusal}")
            continue
        if wholly:
            ended_at = time.monotonic()
            due = ended_at + _PAUSE * (ended_at - began)
        if drift is not Drift.NONE:
            report_warning(f"{drift.before}; it was put right")
        elif wholly:
            seen = generation
