"""``cnpc apply --watch``: stay, and put right within a second what others change."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from ...backends.keeper import Keeper
from ...backends.packet_filter import Drift
from ..errors import NodeError
from .messages import report_line

_PERIOD = 0.25


def watch(keeper: Keeper) -> None:
    """Look four times a second whether anybody committed anything, until told to end.

    What is put back is the version that was loaded last, whoever loaded it.
    """
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    seen: object = None
    while not ended.wait(_PERIOD):
        generation = keeper.generation()
        if generation == seen:
            continue
        try:
            drift = keeper.restore()
        except NodeError as refusal:
            report_line(f"error: {refusal}")
            continue
        if drift is Drift.NONE:
            seen = generation
        else:
            report_line(f"warning: {drift.value}; it was put right")
