"""Network namespaces without a name: each lives as long as a descriptor of this process does.

Nothing has to be removed: when the process ends, however it ends, the kernel drops the namespaces
and every device in them (network_namespaces(7), "Lifetime").
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNET = 0x40000000  # sched.h
_SELF = "/proc/thread-self/ns/net"
_LIBC = ctypes.CDLL(None, use_errno=True)


class ClusterError(Exception):
    """The cluster could not be built or did not do what it was told."""


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


class Namespace:
    """A new network namespace."""

    def __init__(self) -> None:
        home = os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_LIBC.unshare(_CLONE_NEWNET), "unshare(CLONE_NEWNET)")
            self._fd = os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC)
            _check(_LIBC.setns(home, _CLONE_NEWNET), "setns")
        finally:
            os.close(home)

    @property
    def path(self) -> str:
        """The namespace as a file, which iproute2 and nsenter(1) take in place of a name."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread, and what it starts meanwhile, into the namespace."""
        home = os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_LIBC.setns(self._fd, _CLONE_NEWNET), "setns")
            try:
                yield
            finally:
                _check(_LIBC.setns(home, _CLONE_NEWNET), "setns")
        finally:
            os.close(home)

    def run(self, argv: Sequence[str], text: str = "") -> str:
        """Return what the command prints; ClusterError with its message if it fails."""
        with self.entered():
            return run(argv, text)

    def close(self) -> None:
        """Let go of the namespace."""
        os.close(self._fd)


def run(argv: Sequence[str], text: str = "") -> str:
    """Return what the command prints here; ClusterError with its message if it fails."""
    done = subprocess.run(argv, input=text, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def write_sysctls(settings: Sequence[tuple[str, str]]) -> None:
    """Set sysctls of the namespace that the calling thread is in.

    Keys that the kernel does not have are passed over: it then lacks what they would tune.
    """
    for key, value in settings:
        path = Path("/proc/sys/net", key)
        if path.exists():
            path.write_text(value)
