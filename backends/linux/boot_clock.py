"""Time as it goes since this boot: nobody sets it, and it goes on while the machine sleeps."""

from __future__ import annotations

import time
from pathlib import Path


def now() -> float:
    """Return the seconds since this boot (clock_gettime(2), CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return what names this boot (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
