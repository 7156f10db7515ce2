"""How often a test tries what may go wrong at any moment, and how long it waits for an outcome."""

from __future__ import annotations

import time
from collections.abc import Callable

from worlds.strategies import profile_name

_LONGEST_WAIT = 120

TRIALS = range(20) if profile_name() == "ci" else range(0, 20, 3)
"""20 numbers in CI, else 7; even and odd ones take turns."""


def long_enough(deed: Callable[[], object]) -> float:
    """Return the seconds after which a deed and some more like it are over on this machine."""
    began = time.monotonic()
    deed()
    return round(2 + 5 * (time.monotonic() - began), 1)


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; AssertionError where it does not within two minutes."""
    end = time.monotonic() + _LONGEST_WAIT
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(f"it did not happen in {_LONGEST_WAIT} s")
