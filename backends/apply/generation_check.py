"""What tells at once that nobody has changed a ruleset since it was loaded.

Of a ruleset that is given again, nothing is taken apart then, and of the kernel nothing listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from .record import KernelState, Record, Version
from .store import Store


class GenerationCheck(Protocol):
    """What a packet filter shows of changes, whoever made them."""

    backend: str
    """What ``--backend`` calls it."""

    def netns_id(self) -> str:
        """Return what names this boot of this network namespace."""
        ...

    def is_unchanged(self, kernel: KernelState) -> bool:
        """Tell at once that nobody has changed anything since; False where that takes a look."""
        ...


def is_unchanged(record: Record, state: Store, signs: GenerationCheck) -> bool:
    """Tell whether the version loaded last is in force; False where that takes a closer look."""
    kernel, current = record.kernel, record.current
    if kernel is None or current is None or current.backend != signs.backend:
        return False
    return (
        not state.interrupted() and kernel.place == signs.netns_id() and signs.is_unchanged(kernel)
    )


def installed_version(
    files: Mapping[str, Path], state: Store, signs: GenerationCheck
) -> Version | None:
    """Return the version in force if the files, by suffix, are its texts.

    None where they are not, where the copies kept of them were altered, where something waits that
    an apply ends or tells of, and where it takes a closer look to tell; OSError or NodeError where
    something cannot be read. The lock is not needed for this: nothing is written, and the version
    in force when the kernel was asked is in the record read before that, since the kernel shows who
    came between.
    """
    record = state.read()
    current = record.current
    if current is None or not record.settled or not is_unchanged(record, state, signs):
        return None
    return current if state.says(current, files) else None
