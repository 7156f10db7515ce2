"""Keeps the node's kernel at a ruleset: plans, checks, commits, records, and goes back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ...compiler.errors import CnpcError, NodeError
from ..linux import boot_clock
from ..linux.netlink import netns_id
from ..nftables.plan import PlanKind
from .commit import Commits
from .dataplane import Drift, Installed, NothingPlanned, Planned, RulesetSource
from .dataplanes import DataplaneFactories, Dataplanes
from .go_back import Recorded, overdue
from .installed import InstalledView
from .outcome import ApplyResult, ConfirmTimeout
from .record import PendingConfirm, Record, Version
from .store import Store


class Engine:
    """One node, its kernel and its record; every method that changes either takes the lock."""

    def __init__(
        self,
        dataplanes: DataplaneFactories,
        state: Store,
        waiting: Callable[[], None],
        warn: Callable[[str], None],
    ) -> None:
        """Change nothing yet; ``waiting`` is called when another cnpc has to end first.

        ``warn`` is told what went wrong beside what was asked for.
        """
        self._dataplanes = Dataplanes(dataplanes)
        self._store = state
        self._waiting = waiting
        self._warn = warn
        self._ready: PendingConfirm | None = None
        self.view = InstalledView(self._dataplanes, state)
        self._commits = Commits(self._dataplanes, state, warn)
        self._recorded = Recorded(self.view, state, self._commits)

    def check(self, ruleset: RulesetSource[Any]) -> Planned:
        """Let the kernel judge the ruleset, and return what an apply would do."""
        with self._locked_anyhow() as record:
            planned, _ = self.view.plan(record, ruleset)
            self._dataplanes[ruleset.backend].check(planned)
            return planned

    def apply(
        self, ruleset: RulesetSource[Any], confirm_timeout: ConfirmTimeout | None = None
    ) -> ApplyResult:
        """Put the ruleset in force; NodeError if the kernel refuses, and then the old one is.

        NodeError too where there is something to hold, and another version waits already.
        """
        began = time.monotonic()
        with self._locked_anyhow() as found:
            self._dataplanes.reach_loaded(found)
            record = self._recorded.taken_over(found)
            if confirm_timeout and record.pending:
                raise NodeError(
                    "a ruleset waits already: cnpc apply --confirmed, or cnpc rollback, first"
                )
            outcome = self._applied(record, ruleset, confirm_timeout, began)
            removed = self._dataplanes.remove_leftovers(ruleset.backend, self._warn)
            released = record.current if record.pending and not outcome.pending else None
            return replace(outcome, removed=removed, released=released)

    def cut(self, ruleset: RulesetSource[Any]) -> int:
        """End the connections that the ruleset denies, and return how many that were."""
        return self._dataplanes[ruleset.backend].cut(ruleset.layout)

    def rollback(self) -> Record | None:
        """Put the version before in force, and return the record of that; None if there is none.

        While a version waits for its confirmation, what was in force before it comes back; after an
        apply that was interrupted, what was in force before that.
        """
        with self._locked_here() as record:
            if record.pending:
                back = self._recorded.back(record, record.pending)
            elif record.current and self._store.interrupted():
                back = self._recorded.again(record, record.current)
            elif record.previous:
                back = replace(self._recorded.put(record, record.previous), previous=record.current)
            else:
                return None
            self._recorded.note(back)
            return back

    def ready_to_revert(self, token: str) -> None:
        """Read and import all that ``revert`` needs, so that it needs nothing of it later."""
        pending = self._store.read().pending
        if pending is None or pending.token != token:
            raise NodeError("no ruleset waits for a confirmation")
        texts = [version for version in (pending.back_to,) if version]
        self._store.hold_texts(texts)
        for version in texts:
            self.view.plan(Record(), self._recorded.given(version))
        self._ready = pending

    def waits(self, token: str) -> bool:
        """Tell whether a version waits for its confirmation, also where the record is damaged."""
        if self._store.damaged():
            return True
        pending = self._store.read().pending
        return pending is not None and pending.token == token

    def revert(self, token: str) -> bool:
        """Put back what was in force before the pending version; False if it was confirmed.

        NodeError where that cannot be recorded, though it is in force; ``write_again`` tries again.
        """
        with self._locked_anyhow() as record:
            pending = record.pending
            if self._store.damaged() and self._ready and self._ready.token == token:
                pending = self._ready
            if pending is None or pending.token != token:
                return False
            self._recorded.finish(self._recorded.back(record, pending, expired=True))
            return True

    def write_again(self) -> None:
        """Record what could not be recorded when it was done; NodeError if that fails again."""
        if self._store.unwritten:
            with self._store.lock(self._waiting):
                self._store.write_again()

    def confirm(self) -> Version | None:
        """Keep the pending version, and return it; None where none waits."""
        with self._locked() as record:
            if record.pending is None:
                return None
            self._store.write(replace(record, pending=None))
            return record.current

    def boot(self, warn: Callable[[str], None]) -> Version | None:
        """Put the saved version in force after a boot; None where none is saved.

        One that waits for its confirmation does not outlive a boot. Where the saved one is damaged
        or refused, ``warn`` is told, and the one before it is put in force.
        """
        with self._store.lock(self._waiting):
            record = self._store.read()
            if not record.boots:
                return None
            first, *further = record.boots
            before = next(iter(further), None)
            try:
                back = self._recorded.put(record, first)
            except CnpcError as refusal:
                if before is None:
                    raise
                # Said before it is tried, so that both reasons are told where this fails too.
                why = f"{first.id} cannot be loaded ({_reason(refusal)})"
                warn(f"{why}; loading {before.id}, the version before")
                back, before = self._recorded.put(record, before), first
            self._recorded.finish(replace(back, previous=before))
            return back.current

    def save(self, ruleset: RulesetSource[Any]) -> Version:
        """Make a ruleset what the next boot loads, and change nothing else."""
        texts = ruleset.checked()
        with self._locked() as record:
            version = self._store.keep(ruleset.backend, texts)
            stays = record.pending is None and version.same(record.current)
            self._store.write(replace(record, boot=None if stays else version))
            return version

    def flush(self, warn: Callable[[str], None]) -> bool:
        """Remove all that is ours from the kernel; False if there was nothing.

        ``warn`` is told where the record is damaged, which does not matter but for going back.
        """
        with self._locked_anyhow() as record:
            if self._store.damaged():
                warn(f"{Drift.LOST.value}; cnpc rollback has nothing to go back to")
            self._dataplanes.reach_loaded(record)
            found = self._commits.unload()
            if not self.view.elsewhere(record):
                self._recorded.note(Record(previous=record.current or record.previous))
            return found or record.current is not None

    def generation(self) -> object:
        """Return something that differs after whatever anybody changed where ours is in force."""
        return self._dataplanes.of(self._store.read()).generation()

    def restore(self, *, wholly: bool = True) -> Drift:
        """Put the current version in force again if it is not, and return how it was not.

        Not ``wholly``, elements that were exchanged for as many others are not seen. NodeError too
        where it is in force, and that cannot be recorded.
        """
        with self._locked() as record:
            if record.current is None:
                return Drift.NONE
            drift = self.view.observe(record, wholly=wholly).drift
            if drift is not Drift.NONE:
                self._recorded.finish(self._recorded.again(record, record.current))
            return drift

    def overdue(self) -> bool:
        """Tell whether a version waits here whose time for a confirmation is over."""
        record = self._store.read()
        return overdue(record) and not self.view.elsewhere(record)

    def place(self) -> str:
        """Return what names this boot of this network namespace."""
        return netns_id()

    def read(self) -> Record:
        """Return the record as it is now, without waiting for anybody."""
        return self._store.read()

    def look(self) -> tuple[Record, Installed[Any]]:
        """Return the record and what is in force, when nobody is changing them.

        What was not confirmed in time is taken back first, if nobody else has done so.
        """
        if self.overdue():
            with self._locked():
                """Done on the way."""
        with self._store.read_lock(self._waiting):
            record = self._store.read()
            return record, self.view.observe(record)

    @contextmanager
    def _locked(self) -> Iterator[Record]:
        """Give the record of this network namespace, without what was not confirmed in time."""
        with self._locked_here() as record:
            yield self._recorded.in_time(record)

    @contextmanager
    def _locked_here(self) -> Iterator[Record]:
        """Give the record, whose versions are those of this network namespace."""
        with self._store.lock(self._waiting):
            record = self._store.read()
            if self.view.elsewhere(record):
                raise NodeError(
                    f"{self._store.path} is that of another network namespace; give each its own "
                    "--state-dir, or take it over with cnpc apply or cnpc boot"
                )
            yield record

    @contextmanager
    def _locked_anyhow(self) -> Iterator[Record]:
        """Take an empty record for one that is damaged; what is in force counts as drifted then."""
        with self._store.lock(self._waiting):
            yield Record() if self._store.damaged() else self._store.read()

    def _applied(
        self,
        record: Record,
        ruleset: RulesetSource[Any],
        confirm_timeout: ConfirmTimeout | None,
        began: float,
    ) -> ApplyResult:
        if self.view.is_unchanged(record, ruleset):
            version = self._recorded.kept(record, ruleset)
            return ApplyResult(version, NothingPlanned(), Drift.NONE, time.monotonic() - began)
        planned, now = self.view.plan(record, ruleset)
        if planned.kind is PlanKind.NOTHING and record.current:
            return self._recorded.unchanged(record, ruleset, planned, now, began)
        if not planned.checks_itself:
            self._dataplanes[ruleset.backend].check(planned)
        armed = self._armed(record, confirm_timeout) if confirm_timeout else None
        version = self._store.keep(ruleset.backend, ruleset.texts)
        pending = armed or (record.pending if version.same(record.current) else None)
        try:
            kernel = self._commits.carry_out(record, planned, now, ruleset, version, noted=True)
        except NodeError:
            if armed and not self._store.interrupted():
                self._store.write(record)
            raise
        self._recorded.finish(record.loaded(version, kernel, pending))
        seconds = time.monotonic() - began
        return ApplyResult(
            version, planned, now.drift, seconds, pending=pending, changed=now.changed
        )

    def _armed(self, record: Record, confirm_timeout: ConfirmTimeout) -> PendingConfirm:
        """Have the old ruleset come back, even if this process ends before it records the new."""
        pending = record.held(
            secrets.token_hex(8), boot_clock.now() + confirm_timeout.seconds, boot_clock.boot_id()
        )
        self._store.write(replace(record, pending=pending))
        try:
            confirm_timeout.start(pending)
        except NodeError:
            self._store.write(record)
            raise
        return pending


def _reason(refusal: CnpcError) -> str:
    """Return in a few words what was refused, without the remedy and what a tool says further."""
    return str(refusal).partition("\n")[0].partition("; ")[0]
