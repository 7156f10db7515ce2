"""What ``nft -f`` needs to load a ruleset into an empty network namespace."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from msgspec import Struct
from netcluster.namespaces import Namespace

_OFTEN = 0.002  # seconds
_KERNEL = ("Slab", "VmallocUsed", "Percpu")


class Loading(Struct, frozen=True):
    """CPU seconds of the process and the kernel for it, wall seconds, MiB of both."""

    cpu: float
    wall: float
    process: int
    kernel: int


def load(ruleset: Path) -> Loading:
    """Return what loading the ruleset takes; AssertionError if nft refuses it.

    The kernel's memory is that of the whole machine after, less that before: other programs blur
    it.
    """
    space = Namespace()
    try:
        with space.entered():
            return _load(ruleset)
    finally:
        space.close()


def _load(ruleset: Path) -> Loading:
    before, start = _kernel(), time.perf_counter()
    with subprocess.Popen(("nft", "-f", str(ruleset))) as process:
        peak = 0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(_OFTEN)
        wall = time.perf_counter() - start
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, ruleset
    used = max(0, _kernel() - before)
    return Loading(usage.ru_utime + usage.ru_stime, wall, peak // 1024, used // 1024)


def _resident(pid: int) -> int:
    """Return the most KiB that the process has had; wait4(2) would count its parent's too."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _kernel() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    values = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    return sum(values[name] for name in _KERNEL)
