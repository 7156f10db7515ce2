"""Puts recorded versions in force again, and records what was done."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from ...compiler.errors import NodeError
from ..linux import boot_clock
from .commit import Commits
from .dataplane import Drift, Installed, Planned, RulesetSource
from .installed import InstalledView
from .outcome import ApplyResult
from .record import PendingConfirm, Record, Version
from .store import Store, now_text


@dataclass(frozen=True, slots=True)
class Recorded:
    """The versions of one node's record; whoever calls holds its lock."""

    view: InstalledView
    state: Store
    commits: Commits

    def put(self, record: Record, version: Version) -> Record:
        """Put a recorded version in force; returns the record of that."""
        back = self.given(version)
        planned, now = self.view.plan(record, back)
        if not planned.checks_itself:
            self.view.dataplanes[back.backend].check(planned)
        kernel = self.commits.carry_out(record, planned, now, back, version, noted=False)
        return Record(current=replace(version, since=now_text()), kernel=kernel)

    def again(self, record: Record, current: Version) -> Record:
        """Put the current version in force, whatever is there instead; returns the new record."""
        back = self.put(record, current)
        return replace(record, current=back.current, kernel=back.kernel)

    def back(self, record: Record, pending: PendingConfirm, *, expired: bool = False) -> Record:
        """Put back what was in force before a version that waits; returns the record of that.

        It notes the version if its time was over.
        """
        if pending.back_to is None:
            self.commits.unload()
            back = Record(previous=record.current)
        else:
            back = self.put(record, pending.back_to)
            back = replace(back, previous=pending.back_previous)
        gone = record.current if expired else None
        over = replace(gone, since=now_text()) if gone else None
        return replace(back, boot=record.saved, expired=over)

    def in_time(self, record: Record) -> Record:
        """Return the record after what was not confirmed in time was taken back.

        Whoever should have done that was killed, or cannot yet.
        """
        pending, late = record.pending, record.current
        if pending is None or not overdue(record) or self.view.elsewhere(record):
            return record
        back = self.back(record, pending, expired=True)
        words = late.id if late else "a ruleset"
        self.commits.warn(f"{words} was not confirmed in time: {_is_in_force(back)} again")
        self.note(back)
        return back

    def taken_over(self, record: Record) -> Record:
        """Return the record from which an apply begins, without what was not confirmed in time."""
        if self.view.elsewhere(record):
            if record.pending and not overdue(record):
                raise NodeError("a ruleset waits for its confirmation in another network namespace")
            self.commits.warn(
                f"{self.state.path} was that of another network namespace, which it keeps no more"
            )
        try:
            return self.in_time(record)
        except NodeError as refusal:
            self.commits.warn(f"what was not confirmed in time cannot be taken back: {refusal}")
            return record

    def kept(self, record: Record, ruleset: RulesetSource[Any]) -> Version:
        """Store the texts of what is in force already, which it is since it was loaded."""
        version = self.state.keep(ruleset.backend, ruleset.texts)
        return record.current if record.current and version.same(record.current) else version

    def unchanged(
        self,
        record: Record,
        ruleset: RulesetSource[Any],
        planned: Planned,
        now: Installed[Any],
        began: float,
    ) -> ApplyResult:
        """Record a text that says the same in other words, and that others' commits are no matter.

        Such a text has another header, say.
        """
        version = self.kept(record, ruleset)
        if now.kernel:
            kernel = self.view.dataplanes[ruleset.backend].renamed(now.kernel, planned)
            if kernel != record.kernel or record.boot or not version.same(record.current):
                self.finish(record.loaded(version, kernel, record.pending))
        seconds = time.monotonic() - began
        return ApplyResult(version, planned, Drift.NONE, seconds, pending=record.pending)

    def note(self, record: Record) -> None:
        """Record what was done, which stays done where the disk does not take the record."""
        try:
            self.finish(record)
        except NodeError as refusal:
            self.commits.warn(
                f"{_is_in_force(record)}, which cannot be recorded ({refusal}); until it is, cnpc "
                "apply --watch and cnpc boot go by the old record"
            )

    def finish(self, record: Record) -> None:
        """Record what was done; NodeError where the disk does not take it."""
        self.state.write(record)
        self.state.end()

    def given(self, version: Version) -> RulesetSource[Any]:
        """Return a version as a ruleset; NodeError if its file is gone or was altered."""
        texts = self.state.texts(version)
        return RulesetSource(
            version.backend, texts, lambda: self.view.dataplanes[version.backend].read(texts)
        )


def overdue(record: Record) -> bool:
    """Tell whether a version waits whose time for a confirmation is over."""
    pending = record.pending
    return pending is not None and pending.over(boot_clock.now(), boot_clock.boot_id())


def _is_in_force(record: Record) -> str:
    return f"{record.current.id} is in force" if record.current else "no policy is in force"
