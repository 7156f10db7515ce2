"""A disk on which every writing call fails, or kills, from some call on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fake_node import Killed

CALLS = ("open", "posix_fallocate", "fsync", "rename", "replace", "unlink", "mkdir")
"""What changes a file or folder, of the module ``os``; Path and open() come to these."""


class Disk:
    """Counts writing calls; from ``first`` on they fail with an error, or the one there kills."""

    def __init__(self) -> None:
        self.calls = 0
        self.error = 0
        self.first: int | None = None
        self.kill_at: int | None = None
        self.after = False

    def called(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - as the call's
        number = self.calls
        self.calls += 1
        if number == self.kill_at and not self.after:
            raise Killed
        if self.error and self.first is not None and number >= self.first:
            raise OSError(self.error, os.strerror(self.error))
        try:
            return work()
        finally:
            if number == self.kill_at:
                raise Killed


@contextmanager
def faulty_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """Have all writing calls of this process go through one disk meanwhile."""
    disk = Disk()
    with monkeypatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, _through(disk, name, getattr(os, name)))
        yield disk


def _through(disk: Disk, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **further: Any) -> Any:  # noqa: ANN401 - as the call's
        reads = name == "open" and not arguments[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if reads or name == "fsync":
            return real(*arguments, **further)
        return disk.called(lambda: real(*arguments, **further))

    return call
