"""Carries out what was planned: notes that it begins, commits, and starts over once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...compiler.errors import NodeError
from .dataplane import BusyError, Drift, Installed, Planned, RulesetSource, UntouchedError
from .dataplanes import AnyDataplane, Dataplanes
from .record import KernelState, Record, Version
from .store import Store


@dataclass(frozen=True, slots=True)
class Commits:
    """Changes of one node's kernel."""

    dataplanes: Dataplanes
    state: Store
    warn: Callable[[str], None]
    """Is told what went wrong beside what was asked for."""

    def carry_out(  # noqa: PLR0913 - what was planned, and all that it was planned from
        self,
        record: Record,
        planned: Planned,
        now: Installed[Any],
        new: RulesetSource[Any],
        version: Version,
        *,
        noted: bool,
    ) -> KernelState:
        """Commit, start over once if somebody interferes, then unload other packet filters.

        What goes back need not be ``noted`` ahead: then a disk that takes nothing is no reason to
        leave the kernel as it is.
        """
        own = self.dataplanes[new.backend]
        again = self.state.interrupted()
        unknown = again or now.drift is Drift.LOST
        with contextlib.nullcontext() if noted else contextlib.suppress(NodeError):
            self.state.begin(version)
        try:
            kernel: KernelState = own.commit(planned, now, new.layout)
        except BusyError:
            self._untouched(again=again)
            raise
        except NodeError:
            kernel = self._start_over(own, new.layout, again=again)
        if unknown or (record.current and record.current.backend != new.backend):
            self.dataplanes.unload_all_but(new.backend, self.warn)
        return kernel

    def unload(self) -> bool:
        """Remove all that is ours; NodeError where any of it still judges afterwards."""
        with contextlib.suppress(NodeError):
            self.state.begin(None)
        found = self.dataplanes.unload_all_but("", self.warn)
        if left := self.dataplanes.leftovers(""):
            raise NodeError(f"rules of cnpc in {' and '.join(left)} judge still")
        return found

    def _start_over(self, own: AnyDataplane, new: Any, *, again: bool) -> KernelState:  # noqa: ANN401 - each packet filter has its own
        now = Installed(own.empty, Drift.INTERRUPTED, loaded=True)
        try:
            kernel: KernelState = own.commit(own.plan(now, new), now, new)
        except UntouchedError:
            self._untouched(again=again)
            raise
        return kernel

    def _untouched(self, *, again: bool) -> None:
        """Note that what was in force is; unless an earlier change had been interrupted."""
        if not again:
            with contextlib.suppress(NodeError):  # then the next run takes a look
                self.state.end()
