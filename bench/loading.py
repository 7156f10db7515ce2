"""What the tools need to load a ruleset into an empty network namespace."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from netcluster import IPSET_RESTORE, Namespace

_OFTEN = 0.002  # seconds
_KERNEL = ("Slab", "VmallocUsed", "Percpu")


class Loading(Struct, frozen=True):
    """CPU seconds of the processes and the kernel for them, wall seconds, MiB of both."""

    cpu: float
    wall: float
    process: int
    kernel: int


def load(stem: Path, filter_: str) -> Loading:
    """Return what loading takes of the texts by nft, iptables-legacy or iptables-nft.

    AssertionError if one is refused. The kernel's memory is that of the whole machine after, less
    that before: other programs blur it.
    """
    space = Namespace()
    try:
        if filter_ != "nft":
            # docs/iptables.md, "Loading": without the jumps the first load ends with an error.
            for command in ("iptables", "ip6tables"):
                for hook in ("FORWARD", "INPUT"):
                    tool = f"{command}{filter_.removeprefix('iptables')}"
                    space.run((tool, "-t", "mangle", "-N", f"CNPC-{hook}"))
                    space.run((tool, "-t", "mangle", "-I", hook, "-j", f"CNPC-{hook}"))
        with space.entered():
            return _load([(argv, Path(f"{stem}.{suffix}")) for argv, suffix in _steps(filter_)])
    finally:
        space.close()


def _steps(filter_: str) -> Iterator[tuple[Sequence[str], str]]:
    """Give the commands in their order, and the suffix of the text that each reads."""
    if filter_ == "nft":
        yield ("nft", "-f", "-"), "nft"
        return
    yield IPSET_RESTORE, "ipset"
    yield (f"{filter_}-restore", "--noflush"), "v4"
    yield (f"ip6{filter_.removeprefix('ip')}-restore", "--noflush"), "v6"


def _load(steps: Sequence[tuple[Sequence[str], Path]]) -> Loading:
    before, start = _kernel(), time.perf_counter()
    cpu, peak = 0.0, 0
    for argv, path in steps:
        seconds, memory = _run(argv, path)
        cpu += seconds
        peak = max(peak, memory)
    wall = time.perf_counter() - start
    return Loading(cpu, wall, peak // 1024, max(0, _kernel() - before) // 1024)


def _run(argv: Sequence[str], path: Path) -> tuple[float, int]:
    """Return the CPU seconds of a command that reads the file, and the most KiB that it had."""
    with path.open("rb") as text, subprocess.Popen(argv, stdin=text) as process:
        peak = 0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(_OFTEN)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, path
    return usage.ru_utime + usage.ru_stime, peak


def _resident(pid: int) -> int:
    """Return the most KiB that the process has had; wait4(2) would count its parent's too."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _kernel() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    values = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    return sum(values[name] for name in _KERNEL)
