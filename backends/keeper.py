"""Keeps the node's kernel at a ruleset: finds what is in force, plans, checks, commits, records."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from ..compiler.errors import NodeError
from .layout import EMPTY, Layout
from .packet_filter import Drift, Given, InForce, PacketFilter, Planned, UntouchedError
from .record import Kernel, Pending, Record, State, Version, now_text
from .transaction import Kind

Filter = PacketFilter[Any, Any]
Filters = Mapping[str, Callable[[], Filter]]
"""How to reach each packet filter, by its backend's name; NodeError where the node lacks it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply did."""

    version: Version
    plan: Planned
    drift: Drift
    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """For how long a ruleset stays without a confirmation.

    ``start`` is called before the kernel is changed; it starts who puts the old ruleset back.
    """

    seconds: float
    start: Callable[[Pending], None]


class Keeper:
    """One node, its kernel and its record; every method that changes either takes the lock."""

    def __init__(self, filters: Filters, state: State, waiting: Callable[[], None]) -> None:
        """Change nothing yet; ``waiting`` is called when another cnpc has to end first."""
        self._filters = filters
        self._state = state
        self._waiting = waiting

    def in_force(self, record: Record, new: Given[Any] | None = None) -> InForce[Any]:
        """Return what a packet filter has now, asking as little as possible.

        It is the one of the new ruleset; without that, the one of the version loaded last.
        """
        own = self._filters[new.backend]() if new else self._of(record)
        kernel, current = record.kernel, record.current
        if self._state.interrupted():
            return InForce(own.empty, Drift.INTERRUPTED, loaded=True)
        if current is None or kernel is None or not _is_here(own, current, kernel):
            drift = Drift.FOREIGN if own.present() else Drift.NONE
            return InForce(own.empty, drift, loaded=False)
        found = own.verified(self._read(current, new), kernel)
        if found is not None:
            return InForce(found, Drift.NONE, loaded=True)
        drift = Drift.CHANGED if own.present() else Drift.GONE
        return InForce(own.empty, drift, loaded=True)

    def recorded(self, record: Record) -> Layout:
        """Return the version loaded last as people are shown it, empty where nothing was.

        NodeError if its file is gone or was altered.
        """
        if not record.current or not record.kernel:
            return EMPTY
        return self._of(record).worded(self._read(record.current))

    def worded(self, ruleset: Given[Any]) -> Layout:
        """Return a ruleset as people are shown it."""
        return self._filters[ruleset.backend]().worded(ruleset.layout)

    def listing(self, record: Record) -> str:
        """Return the own rules as the kernel has them; NodeError if there are none."""
        return self._of(record).listing()

    def plan(self, record: Record, new: Given[Any]) -> tuple[Planned, Drift]:
        """Return what an apply would do now."""
        now = self.in_force(record, new)
        planned: Planned = self._filters[new.backend]().plan(now, new.layout)
        return planned, now.drift

    def check(self, ruleset: Given[Any]) -> Planned:
        """Let the kernel judge the ruleset, and return what an apply would do."""
        with self._locked() as record:
            planned, _ = self.plan(record, ruleset)
            self._filters[ruleset.backend]().check(planned)
            return planned

    def apply(self, ruleset: Given[Any], hold: Hold | None = None) -> Outcome:
        """Put the ruleset in force; NodeError if the kernel refuses, and then the old one is."""
        began = time.monotonic()
        with self._locked() as record:
            planned, drift = self.plan(record, ruleset)
            if planned.kind is Kind.NOTHING and record.current:
                return self._unchanged(record, ruleset, planned, began)
            if not planned.checks_itself:
                self._filters[ruleset.backend]().check(planned)
            version = self._state.keep(ruleset.backend, ruleset.texts)
            pending = None
            if hold:
                pending = _pending(record, time.time() + hold.seconds)
                hold.start(pending)
            kernel = self._carry_out(record, planned, ruleset, version)
            self._record(record, version, kernel, pending)
            return Outcome(version, planned, drift, time.monotonic() - began)

    def cut(self, ruleset: Given[Any]) -> int:
        """End the connections that the ruleset denies, and return how many that were."""
        return self._filters[ruleset.backend]().cut(ruleset.layout)

    def rollback(self) -> None:
        """Put the version before in force, where there is one.

        While a version waits for its confirmation, what was in force before it comes back.
        """
        with self._locked() as record:
            if record.pending:
                self._back(record, record.pending)
            elif record.previous:
                back = self._put(record, record.previous)
                self._finish(replace(back, previous=record.current))

    def revert(self, token: str) -> bool:
        """Put back what was in force before the pending version; False if it was confirmed."""
        with self._locked() as record:
            if record.pending is None or record.pending.token != token:
                return False
            self._back(record, record.pending)
            return True

    def confirm(self) -> Version | None:
        """Keep the pending version, and return it; None where none waits."""
        with self._locked() as record:
            if record.pending is None:
                return None
            self._state.write(replace(record, pending=None))
            return record.current

    def boot(self) -> Version | None:
        """Put the saved version in force after a boot; None where none is saved.

        One that waits for its confirmation does not outlive a boot.
        """
        with self._locked() as record:
            if record.at_boot is None:
                return None
            previous = record.pending.back_previous if record.pending else record.previous
            back = self._put(record, record.at_boot)
            self._finish(replace(back, previous=previous))
            return back.current

    def save(self, ruleset: Given[Any]) -> Version:
        """Make a ruleset what the next boot loads, and change nothing in the kernel."""
        with self._locked() as record:
            version = self._state.keep(ruleset.backend, ruleset.texts)
            if not version.same(record.current):
                # Without a note of the kernel, the next apply compares with what it finds there.
                self._state.write(Record(current=version, previous=record.current))
            return version

    def flush(self) -> bool:
        """Remove all that is ours from the kernel; False if there was nothing."""
        with self._locked() as record:
            found = self._unload()
            self._finish(Record(previous=record.current or record.previous))
            return found or record.current is not None

    def generation(self) -> object:
        """Return something that differs after whatever anybody changed where ours is in force."""
        return self._of(self._state.read()).generation()

    def restore(self) -> Drift:
        """Put the current version in force again if it is not, and return how it was not."""
        with self._locked() as record:
            if record.current is None:
                return Drift.NONE
            drift = self.in_force(record).drift
            if drift is not Drift.NONE:
                back = self._put(record, record.current)
                self._finish(replace(back, previous=record.previous, pending=record.pending))
            return drift

    def read(self) -> Record:
        """Return the record as it is now, without waiting for anybody."""
        return self._state.read()

    def look(self) -> tuple[Record, InForce[Any]]:
        """Return the record and what is in force, when nobody is changing them."""
        with self._state.read_lock(self._waiting):
            record = self._state.read()
            return record, self.in_force(record)

    def _back(self, record: Record, pending: Pending) -> None:
        if pending.back_to is None:
            self._unload()
            self._finish(Record(previous=record.current))
        else:
            back = self._put(record, pending.back_to)
            self._finish(replace(back, previous=pending.back_previous))

    def _put(self, record: Record, version: Version) -> Record:
        """Put a recorded version in force; returns the record of that."""
        back = Given(version.backend, self._state.texts(version), self._read(version))
        planned, _ = self.plan(record, back)
        if not planned.checks_itself:
            self._filters[back.backend]().check(planned)
        now = replace(version, since=now_text())
        return Record(current=now, kernel=self._carry_out(record, planned, back, version))

    def _finish(self, record: Record) -> None:
        self._state.write(record)
        self._state.end()

    @contextmanager
    def _locked(self) -> Iterator[Record]:
        with self._state.lock(self._waiting):
            yield self._state.read()

    def _of(self, record: Record) -> Filter:
        """Return the packet filter of the version loaded last, else the first that the node has."""
        if record.current:
            return self._filters[record.current.backend]()
        return next(self._usable())

    def _usable(self) -> Iterator[Filter]:
        """Yield the packet filters that the node has; NodeError if there is none."""
        refusals = []
        for reach in self._filters.values():
            try:
                yield reach()
            except NodeError as refusal:
                refusals.append(refusal)
        if len(refusals) == len(self._filters):
            raise refusals[0]

    def _read(self, version: Version, new: Given[Any] | None = None) -> Any:  # noqa: ANN401 - each packet filter has its own
        """Return what a version says, which a ruleset of the same texts has been read for."""
        texts = self._state.texts(version)
        if new and (new.backend, new.texts) == (version.backend, texts):
            return new.layout
        return self._filters[version.backend]().read(texts)

    def _carry_out(
        self, record: Record, planned: Planned, new: Given[Any], version: Version
    ) -> Kernel:
        """Commit, start over once if somebody interferes, then unload other packet filters."""
        own = self._filters[new.backend]()
        again = self._state.interrupted()
        self._state.begin(version)
        try:
            kernel: Kernel = own.commit(planned, new.layout)
        except NodeError:
            kernel = self._start_over(own, new.layout, again=again)
        loaded = (record.current, record.previous)
        if again or any(item and item.backend != new.backend for item in loaded):
            self._unload_all_but(new.backend)
        return kernel

    def _start_over(self, own: Filter, new: Any, *, again: bool) -> Kernel:  # noqa: ANN401 - as above
        now = InForce(own.empty, Drift.INTERRUPTED, loaded=True)
        try:
            kernel: Kernel = own.commit(own.plan(now, new), new)
        except UntouchedError:
            if not again:
                self._state.end()
            raise
        return kernel

    def _unload_all_but(self, backend: str) -> bool:
        """Remove what other packet filters have of ours; only then may both not judge."""
        found = [own.unload() for own in self._usable() if own.backend != backend]
        return any(found)

    def _unload(self) -> bool:
        self._state.begin(None)
        return self._unload_all_but("")

    def _unchanged(
        self, record: Record, ruleset: Given[Any], planned: Planned, began: float
    ) -> Outcome:
        """Record a text that says the same in other words, such as another header."""
        version = self._state.keep(ruleset.backend, ruleset.texts)
        if not version.same(record.current) and record.kernel:
            kernel = self._filters[ruleset.backend]().renamed(record.kernel, planned)
            self._record(record, version, kernel, record.pending)
        return Outcome(version, planned, Drift.NONE, time.monotonic() - began)

    def _record(
        self, record: Record, version: Version, kernel: Kernel | None, pending: Pending | None
    ) -> None:
        same = version.same(record.current)
        previous = record.previous if same else record.current
        self._finish(Record(current=version, previous=previous, kernel=kernel, pending=pending))


def _is_here(own: Filter, current: Version, kernel: Kernel) -> bool:
    """Tell whether the version was loaded by this packet filter, since this boot, in this place."""
    return current.backend == own.backend and kernel.place == own.place()


def _pending(record: Record, until: float) -> Pending:
    return Pending(
        token=secrets.token_hex(8),
        until=until,
        back_to=record.current,
        back_previous=record.previous,
    )
