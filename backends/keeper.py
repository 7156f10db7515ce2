"""Keeps the node's kernel at a ruleset: finds what is in force, plans, checks, commits, records."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ..compiler.errors import CnpcError, NodeError
from .layout import EMPTY, Layout
from .notes import Kernel, Pending, Record, Version
from .packet_filter import Drift, Given, InForce, PacketFilter, Planned, UntouchedError
from .record import State, digest, now_text
from .signs import untouched
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

    def in_force(
        self, record: Record, new: Given[Any] | None = None, *, wholly: bool = True
    ) -> InForce[Any]:
        """Return what a packet filter has now, asking as little as possible.

        It is the one of the new ruleset; without that, the one of the version loaded last. Not
        ``wholly``, elements that were exchanged for as many others are not seen.
        """
        own = self._filters[new.backend]() if new else self._of(record)
        kernel, current = record.kernel, record.current
        if self._state.interrupted():
            return InForce(own.empty, Drift.INTERRUPTED, loaded=True)
        if current is None or kernel is None or not _is_here(own, current, kernel):
            drift = Drift.FOREIGN if own.present() else Drift.NONE
            return InForce(own.empty, drift, loaded=False)
        try:
            known = self._read(current, new)
        except CnpcError:
            drift = Drift.LOST
        else:
            found = own.verified(known, kernel, wholly=wholly)
            if found is not None:
                return InForce(found[0], Drift.NONE, loaded=True, kernel=found[1])
            drift = Drift.CHANGED
        return InForce(own.empty, drift if own.present() else Drift.GONE, loaded=True)

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

    def plan(self, record: Record, new: Given[Any]) -> tuple[Planned, InForce[Any]]:
        """Return what an apply would do now, and what is in force."""
        now = self.in_force(record, new)
        planned: Planned = self._filters[new.backend]().plan(now, new.layout)
        return planned, now

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
            if self._quiet(record, ruleset):
                version = self._state.keep(ruleset.backend, ruleset.texts)
                own = self._filters[ruleset.backend]()
                nothing = own.plan(InForce(own.empty, Drift.NONE, loaded=True), own.empty)
                return Outcome(version, nothing, Drift.NONE, time.monotonic() - began)
            planned, now = self.plan(record, ruleset)
            if planned.kind is Kind.NOTHING and record.current:
                return self._unchanged(record, ruleset, planned, now, began)
            if not planned.checks_itself:
                self._filters[ruleset.backend]().check(planned)
            version = self._state.keep(ruleset.backend, ruleset.texts)
            pending = None
            if hold:
                pending = _pending(record, time.time() + hold.seconds)
                hold.start(pending)
            kernel = self._carry_out(record, planned, now, ruleset, version)
            self._record(record, version, kernel, pending)
            return Outcome(version, planned, now.drift, time.monotonic() - began)

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

    def boot(self, warn: Callable[[str], None]) -> Version | None:
        """Put the saved version in force after a boot; None where none is saved.

        One that waits for its confirmation does not outlive a boot. Where the saved one is damaged
        or refused, ``warn`` is told, and the one before it is put in force.
        """
        with self._locked() as record:
            if not record.boots:
                return None
            first, *before = record.boots
            try:
                back = self._put(record, first)
            except CnpcError as refusal:
                if not before:
                    raise
                warn(f"{first.id} cannot be loaded, but the version before: {refusal}")
                back, before = self._put(record, before[0]), [first]
            self._finish(replace(back, previous=next(iter(before), None)))
            return back.current

    def save(self, ruleset: Given[Any]) -> Version:
        """Make a ruleset what the next boot loads, and change nothing else."""
        texts = ruleset.checked()
        with self._locked() as record:
            version = self._state.keep(ruleset.backend, texts)
            stays = record.pending is None and version.same(record.current)
            self._state.write(replace(record, boot=None if stays else version))
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

    def restore(self, *, wholly: bool = True) -> Drift:
        """Put the current version in force again if it is not, and return how it was not.

        Not ``wholly``, elements that were exchanged for as many others are not seen.
        """
        with self._locked() as record:
            if record.current is None:
                return Drift.NONE
            drift = self.in_force(record, wholly=wholly).drift
            if drift is not Drift.NONE:
                back = self._put(record, record.current)
                self._finish(replace(record, current=back.current, kernel=back.kernel))
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
            self._finish(Record(previous=record.current, boot=record.saved))
        else:
            back = self._put(record, pending.back_to)
            self._finish(replace(back, previous=pending.back_previous, boot=record.saved))

    def _put(self, record: Record, version: Version) -> Record:
        """Put a recorded version in force; returns the record of that."""
        texts = self._state.texts(version)
        back = Given(version.backend, texts, lambda: self._filters[version.backend]().read(texts))
        planned, now = self.plan(record, back)
        if not planned.checks_itself:
            self._filters[back.backend]().check(planned)
        kernel = self._carry_out(record, planned, now, back, version)
        return Record(current=replace(version, since=now_text()), kernel=kernel)

    def _finish(self, record: Record) -> None:
        self._state.write(record)
        self._state.end()

    @contextmanager
    def _locked(self) -> Iterator[Record]:
        with self._state.lock(self._waiting):
            yield self._state.read()

    def _quiet(self, record: Record, new: Given[Any]) -> bool:
        """Tell whether the texts were loaded last, and nobody has changed anything since."""
        if record.current is None or record.current.backend != new.backend or not record.settled:
            return False
        digests = {suffix: digest(text.encode()) for suffix, text in new.texts.items()}
        own = self._filters[new.backend]()
        return record.current.texts == digests and untouched(record, self._state, own)

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
        self,
        record: Record,
        planned: Planned,
        now: InForce[Any],
        new: Given[Any],
        version: Version,
    ) -> Kernel:
        """Commit, start over once if somebody interferes, then unload other packet filters."""
        own = self._filters[new.backend]()
        again = self._state.interrupted()
        self._state.begin(version)
        try:
            kernel: Kernel = own.commit(planned, now, new.layout)
        except NodeError:
            kernel = self._start_over(own, new.layout, again=again)
        loaded = (record.current, record.previous)
        if again or any(item and item.backend != new.backend for item in loaded):
            self._unload_all_but(new.backend)
        return kernel

    def _start_over(self, own: Filter, new: Any, *, again: bool) -> Kernel:  # noqa: ANN401 - as above
        now = InForce(own.empty, Drift.INTERRUPTED, loaded=True)
        try:
            kernel: Kernel = own.commit(own.plan(now, new), now, new)
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
        self,
        record: Record,
        ruleset: Given[Any],
        planned: Planned,
        now: InForce[Any],
        began: float,
    ) -> Outcome:
        """Record a text that says the same in other words, and that others' commits are no matter.

        Such a text has another header, say.
        """
        version = self._state.keep(ruleset.backend, ruleset.texts)
        if now.kernel:
            kernel = self._filters[ruleset.backend]().renamed(now.kernel, planned)
            if kernel != record.kernel or record.boot or not version.same(record.current):
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
        back_boot=record.boot,
    )
