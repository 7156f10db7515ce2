"""A program that runs beside a test, until it is stopped or the tests end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

_TIMEOUT = 180.0  # seconds; a busy machine makes all of them slow
_PAUSE = 0.05


class ProcessError(Exception):
    """A program ended or did not get ready; the message ends with its last words."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Process:
    """A program and its log; it can be started again after it ended.

    The kernel kills it when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG).
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        within: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Keep what is to be run; it starts inside of ``within``, such as Namespace.entered."""
        self.log = log
        self._argv = ["setpriv", "--pdeathsig", "KILL", "--", *argv]
        self._environment = {**os.environ, **(environment or {})}
        self._within = within
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the program has been started and has not ended."""
        return self._running is not None and self._running.poll() is None

    def start(self, ready: Callable[[], bool] = lambda: True) -> None:
        """Start the program and wait until it is ready; ProcessError if it ends before."""
        with self._within(), self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        self.wait_until(ready)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until something holds; ProcessError if the program ends or it takes minutes."""
        end = time.monotonic() + _TIMEOUT
        while not ready():
            if not self.running:
                raise ProcessError(f"ended:\n{self.last_words()}")
            if time.monotonic() > end:
                raise ProcessError(f"not ready in {_TIMEOUT:.0f} s:\n{self.last_words()}")
            time.sleep(_PAUSE)

    def wait(self) -> None:
        """Wait until the program ends by itself; ProcessError if it says that it failed."""
        if self._running is not None and self._running.wait(_TIMEOUT) != 0:
            raise ProcessError(f"failed:\n{self.last_words()}")

    def stop(self) -> None:
        """Ask the program to end, and wait for it."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the program without asking."""
        self._end(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the running program."""
        if self._running is not None:
            self._running.send_signal(number)

    def last_words(self) -> str:
        """Return the end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def _end(self, number: signal.Signals) -> None:
        if self._running is None:
            return
        self._running.send_signal(number)
        try:
            self._running.wait(_TIMEOUT)
        finally:
            self._running.kill()
            self._running.wait()
            self._running = None
