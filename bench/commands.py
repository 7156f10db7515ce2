"""Runs cnpc as users do, and says what the process needed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

CNPC = Path(sys.executable).with_name("cnpc")
_ENVIRONMENT = {key: item for key, item in os.environ.items() if not key.startswith("PYTHON")}
"""Where cnpc is installed, its modules are compiled before it runs; PYTHONDONTWRITEBYTECODE, which
some machines set, has every process compile them anew."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took: processor time, which a busy machine stretches less than real time."""

    seconds: float
    peak_mib: int


def run(*command: str | Path) -> Usage:
    """Run a command to its end and return what it took; AssertionError if it fails."""
    with subprocess.Popen(
        command, env=_ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        message = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, message
    # ru_maxrss is in kilobytes on Linux, getrusage(2).
    return Usage(usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024)


def measure(benchmark: BenchmarkFixture, rounds: int, *command: str | Path) -> Usage:
    """Run the command once unmeasured, to fill the caches, then in rounds; return the best."""
    taken: list[Usage] = []
    benchmark.pedantic(  # type: ignore[no-untyped-call]  # has no types
        lambda: taken.append(run(*command)),
        rounds=rounds,
        warmup_rounds=1,
    )
    return Usage(min(item.seconds for item in taken), max(item.peak_mib for item in taken))


def say(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Print a line that pytest would otherwise keep."""
    with capsys.disabled():
        print(f"\n{line}")  # noqa: T201 - a measurement's result
