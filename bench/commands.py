"""Runs cnpc as users do, and says what the process needed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

CNPC = Path(sys.executable).with_name("cnpc")


def run(*command: str | Path) -> int:
    """Run a command to its end and return its peak memory in MiB; AssertionError if it fails."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        message = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, message
    return usage.ru_maxrss // 1024  # kilobytes on Linux, getrusage(2)


def measure(benchmark: BenchmarkFixture, work: Callable[[], object], rounds: int) -> None:
    """Run the work once unmeasured, to fill the caches, and then in rounds."""
    benchmark.pedantic(work, rounds=rounds, warmup_rounds=1)  # type: ignore[no-untyped-call]  # has no types


def say(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Print a line that pytest would otherwise keep."""
    with capsys.disabled():
        print(f"\n{line}")  # noqa: T201 - a measurement's result
