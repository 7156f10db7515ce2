"""Keeps the node's kernel at a ruleset: plans, checks, commits, records, and goes back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ..compiler.errors import CnpcError, NodeError
from .node_filters import Filter, NodeFilters, Reached
from .notes import Kernel, Pending, Record, Version
from .packet_filter import Drift, Given, InForce, Planned, UntouchedError
from .record import State, now_text
from .transaction import Kind
from .view import View


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply did."""

    version: Version
    plan: Planned
    drift: Drift
    seconds: float
    removed: tuple[str, ...] = ()
    """Where rules of ours judged that apply had not loaded, and that are of another kind."""
    released: Version | None = None
    """Which version had waited for a confirmation, and does so no more."""
    pending: Pending | None = None
    """The end of the version, where that waits for a confirmation."""


@dataclass(frozen=True, slots=True)
class Hold:
    """For how long a ruleset stays without a confirmation.

    ``start`` is called before the kernel is changed; it starts who puts the old ruleset back.
    """

    seconds: float
    start: Callable[[Pending], None]


class Keeper:
    """One node, its kernel and its record; every method that changes either takes the lock."""

    def __init__(
        self,
        filters: Reached,
        state: State,
        waiting: Callable[[], None],
        warn: Callable[[str], None],
    ) -> None:
        """Change nothing yet; ``waiting`` is called when another cnpc has to end first.

        ``warn`` is told what went wrong beside what was asked for.
        """
        self._filters = NodeFilters(filters)
        self._state = state
        self._waiting = waiting
        self._warn = warn
        self.view = View(self._filters, state)

    def check(self, ruleset: Given[Any]) -> Planned:
        """Let the kernel judge the ruleset, and return what an apply would do."""
        with self._locked_anyhow() as record:
            planned, _ = self.view.plan(record, ruleset)
            self._filters[ruleset.backend].check(planned)
            return planned

    def apply(self, ruleset: Given[Any], hold: Hold | None = None) -> Outcome:
        """Put the ruleset in force; NodeError if the kernel refuses, and then the old one is.

        NodeError too where there is something to hold, and another version waits already.
        """
        began = time.monotonic()
        with self._locked_anyhow() as record:
            if hold and record.pending:
                raise NodeError(
                    "a ruleset waits already: cnpc apply --confirmed, or cnpc rollback, first"
                )
            self._filters.reach_loaded(record)
            outcome = self._applied(record, ruleset, hold, began)
            removed = self._filters.remove_beside(ruleset.backend, self._warn)
            released = record.current if record.pending and not outcome.pending else None
            return replace(outcome, removed=removed, released=released)

    def cut(self, ruleset: Given[Any]) -> int:
        """End the connections that the ruleset denies, and return how many that were."""
        return self._filters[ruleset.backend].cut(ruleset.layout)

    def rollback(self) -> None:
        """Put the version before in force, where there is one.

        While a version waits for its confirmation, what was in force before it comes back; after an
        apply that was interrupted, what was in force before that.
        """
        with self._locked() as record:
            if record.pending:
                self._back(record, record.pending)
            elif record.current and self._state.interrupted():
                self._again(record, record.current)
            elif record.previous:
                back = self._put(record, record.previous)
                self._finish(replace(back, previous=record.current))

    def revert(self, token: str) -> bool:
        """Put back what was in force before the pending version; False if it was confirmed."""
        with self._locked() as record:
            if record.pending is None or record.pending.token != token:
                return False
            self._back(record, record.pending, expired=True)
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
            first, *further = record.boots
            before = next(iter(further), None)
            try:
                back = self._put(record, first)
            except CnpcError as refusal:
                if before is None:
                    raise
                # Said before it is tried, so that both reasons are told where this fails too.
                why = f"{first.id} cannot be loaded ({_reason(refusal)})"
                warn(f"{why}; loading {before.id}, the version before")
                back, before = self._put(record, before), first
            self._finish(replace(back, previous=before))
            return back.current

    def save(self, ruleset: Given[Any]) -> Version:
        """Make a ruleset what the next boot loads, and change nothing else."""
        texts = ruleset.checked()
        with self._locked() as record:
            version = self._state.keep(ruleset.backend, texts)
            stays = record.pending is None and version.same(record.current)
            self._state.write(replace(record, boot=None if stays else version))
            return version

    def flush(self, warn: Callable[[str], None]) -> bool:
        """Remove all that is ours from the kernel; False if there was nothing.

        ``warn`` is told where the record is damaged, which does not matter but for going back.
        """
        with self._locked_anyhow() as record:
            if self._state.damaged():
                warn(f"{Drift.LOST.value}; cnpc rollback has nothing to go back to")
            self._filters.reach_loaded(record)
            found = self._unload()
            self._finish(Record(previous=record.current or record.previous))
            return found or record.current is not None

    def generation(self) -> object:
        """Return something that differs after whatever anybody changed where ours is in force."""
        return self._filters.of(self._state.read()).generation()

    def restore(self, *, wholly: bool = True) -> Drift:
        """Put the current version in force again if it is not, and return how it was not.

        Not ``wholly``, elements that were exchanged for as many others are not seen.
        """
        with self._locked() as record:
            if record.current is None:
                return Drift.NONE
            drift = self.view.in_force(record, wholly=wholly).drift
            if drift is not Drift.NONE:
                self._again(record, record.current)
            return drift

    def read(self) -> Record:
        """Return the record as it is now, without waiting for anybody."""
        return self._state.read()

    def look(self) -> tuple[Record, InForce[Any]]:
        """Return the record and what is in force, when nobody is changing them."""
        with self._state.read_lock(self._waiting):
            record = self._state.read()
            return record, self.view.in_force(record)

    def _again(self, record: Record, current: Version) -> None:
        """Put the current version in force, whatever is there instead."""
        back = self._put(record, current)
        self._finish(replace(record, current=back.current, kernel=back.kernel))

    def _back(self, record: Record, pending: Pending, *, expired: bool = False) -> None:
        """Put back what was in force before the pending version, and note if its time was over."""
        if pending.back_to is None:
            self._unload()
            back = Record(previous=record.current)
        else:
            back = self._put(record, pending.back_to)
            back = replace(back, previous=pending.back_previous)
        gone = record.current if expired else None
        over = replace(gone, since=now_text()) if gone else None
        self._finish(replace(back, boot=record.saved, expired=over))

    def _put(self, record: Record, version: Version) -> Record:
        """Put a recorded version in force; returns the record of that."""
        texts = self._state.texts(version)
        back = Given(version.backend, texts, lambda: self._filters[version.backend].read(texts))
        planned, now = self.view.plan(record, back)
        if not planned.checks_itself:
            self._filters[back.backend].check(planned)
        kernel = self._carry_out(record, planned, now, back, version)
        return Record(current=replace(version, since=now_text()), kernel=kernel)

    def _finish(self, record: Record) -> None:
        self._state.write(record)
        self._state.end()

    @contextmanager
    def _locked(self) -> Iterator[Record]:
        with self._state.lock(self._waiting):
            yield self._state.read()

    @contextmanager
    def _locked_anyhow(self) -> Iterator[Record]:
        """Take an empty record for one that is damaged; what is in force counts as drifted then."""
        with self._state.lock(self._waiting):
            yield Record() if self._state.damaged() else self._state.read()

    def _carry_out(
        self,
        record: Record,
        planned: Planned,
        now: InForce[Any],
        new: Given[Any],
        version: Version,
    ) -> Kernel:
        """Commit, start over once if somebody interferes, then unload other packet filters."""
        own = self._filters[new.backend]
        again = self._state.interrupted()
        unknown = again or now.drift is Drift.LOST
        self._state.begin(version)
        try:
            kernel: Kernel = own.commit(planned, now, new.layout)
        except NodeError:
            kernel = self._start_over(own, new.layout, again=again)
        if unknown or (record.current and record.current.backend != new.backend):
            self._filters.unload_all_but(new.backend, self._warn)
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

    def _unload(self) -> bool:
        """Remove all that is ours; NodeError where any of it still judges afterwards."""
        self._state.begin(None)
        found = self._filters.unload_all_but("", self._warn)
        if left := self._filters.judging_beside(""):
            raise NodeError(f"rules of cnpc in {' and '.join(left)} judge still")
        return found

    def _applied(
        self, record: Record, ruleset: Given[Any], hold: Hold | None, began: float
    ) -> Outcome:
        if self.view.untouched(record, ruleset):
            version = self._state.keep(ruleset.backend, ruleset.texts)
            own = self._filters[ruleset.backend]
            nothing = own.plan(InForce(own.empty, Drift.NONE, loaded=True), own.empty)
            return Outcome(version, nothing, Drift.NONE, time.monotonic() - began)
        planned, now = self.view.plan(record, ruleset)
        if planned.kind is Kind.NOTHING and record.current:
            return self._unchanged(record, ruleset, planned, now, began)
        if not planned.checks_itself:
            self._filters[ruleset.backend].check(planned)
        armed = self._armed(record, hold) if hold else None
        version = self._state.keep(ruleset.backend, ruleset.texts)
        pending = armed or (record.pending if version.same(record.current) else None)
        try:
            kernel = self._carry_out(record, planned, now, ruleset, version)
        except NodeError:
            if armed and not self._state.interrupted():
                self._state.write(record)
            raise
        self._finish(record.loaded(version, kernel, pending))
        return Outcome(version, planned, now.drift, time.monotonic() - began, pending=pending)

    def _armed(self, record: Record, hold: Hold) -> Pending:
        """Have the old ruleset come back, even if this process ends before it records the new."""
        pending = record.held(secrets.token_hex(8), time.time() + hold.seconds)
        self._state.write(replace(record, pending=pending))
        try:
            hold.start(pending)
        except NodeError:
            self._state.write(record)
            raise
        return pending

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
            kernel = self._filters[ruleset.backend].renamed(now.kernel, planned)
            if kernel != record.kernel or record.boot or not version.same(record.current):
                self._finish(record.loaded(version, kernel, record.pending))
        seconds = time.monotonic() - began
        return Outcome(version, planned, Drift.NONE, seconds, pending=record.pending)


def _reason(refusal: CnpcError) -> str:
    """Return in a few words what was refused, without the remedy and what a tool says further."""
    return str(refusal).partition("\n")[0].partition("; ")[0]
