"""What an apply is told beside the ruleset, and what it says that it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .dataplane import Drift, Planned
from .record import PendingConfirm, Version


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What an apply did."""

    version: Version
    plan: Planned
    drift: Drift
    seconds: float
    removed: tuple[str, ...] = ()
    """Where rules of ours judged that apply had not loaded, and that are of another kind."""
    released: Version | None = None
    """Which version had waited for a confirmation, and does so no more."""
    pending: PendingConfirm | None = None
    """The end of the version, where that waits for a confirmation."""
    changed: tuple[str, ...] = ()
    """What had drifted, in words, as far as that can be told."""


@dataclass(frozen=True, slots=True)
class ConfirmTimeout:
    """For how long a ruleset stays without a confirmation.

    ``start`` is called before the kernel is changed; it starts who puts the old ruleset back.
    """

    seconds: float
    start: Callable[[PendingConfirm], None]
