"""Keeps the node's kernel at a ruleset: finds what is in force, plans, checks, commits, records."""

from __future__ import annotations

import enum
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from msgspec.structs import replace

from ..compiler.errors import CnpcError, NodeError
from .changes import unchanged, with_sizes
from .connections import denied
from .layout import EMPTY, TABLE, Layout, read_layout
from .node import Fingerprint, Node
from .record import Kernel, Pending, Record, State, Version, digest, now_text
from .transaction import SPARE, Kind, Plan, plan, replace_whole, unload

SUFFIX = "nft"
_BACKEND = "nftables"


class Drift(enum.Enum):
    """How the kernel differs from what was recorded."""

    NONE = ""
    GONE = "the ruleset had been removed from the kernel"
    CHANGED = "somebody had changed the table inet cnpc"
    INTERRUPTED = "an earlier change of the ruleset had been interrupted"
    LOST = "the record of what was loaded had been damaged"
    FOREIGN = "there was a table inet cnpc that cnpc apply had not loaded"


@dataclass(frozen=True, slots=True)
class InForce:
    """What the kernel has: the layout where that is known, and how it drifted."""

    layout: Layout
    drift: Drift
    loaded: bool
    """Whether the recorded version was loaded since this boot, in this network namespace."""
    generation: int | None = None
    """The kernel's, when it was seen to be as it was recorded."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply did."""

    version: Version
    plan: Plan
    drift: Drift
    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """For how long a ruleset stays without a confirmation.

    ``start`` is called before the kernel is changed; it starts who puts the old ruleset back.
    """

    seconds: float
    start: Callable[[Pending], None]


@dataclass(frozen=True)
class Given:
    """A ruleset to be put in force."""

    text: str
    name: str

    @cached_property
    def layout(self) -> Layout:
        """What it says; InputError tells where it is not as compile writes it."""
        return read_layout(self.text, self.name)

    def checked(self) -> str:
        """Return the text, after it was read; InputError as above."""
        _ = self.layout
        return self.text


def given(text: str, name: str = "<ruleset>") -> Given:
    """Return the ruleset of a text, which is read when its layout is first needed."""
    return Given(text, name)


class Keeper:
    """One node, its kernel and its record; every method that changes either takes the lock."""

    def __init__(self, node: Node, state: State, waiting: Callable[[], None]) -> None:
        """Change nothing yet; ``waiting`` is called when another cnpc has to end first."""
        self._node = node
        self._state = state
        self._waiting = waiting

    def in_force(self, record: Record, *, wholly: bool = True) -> InForce:
        """Return what the kernel has now, asking as little as possible.

        Not ``wholly``, elements that were exchanged for as many others are not seen.
        """
        present = self._node.has_table(TABLE)
        kernel, current = record.kernel, record.current
        if self._state.interrupted():
            return InForce(EMPTY, Drift.INTERRUPTED, loaded=True)
        if current is None or kernel is None or kernel.place != self._node.place():
            return InForce(EMPTY, Drift.FOREIGN if present else Drift.NONE, loaded=False)
        if not present:
            return InForce(EMPTY, Drift.GONE, loaded=True)
        try:
            layout = with_sizes(self.layout(current), kernel.sizes)
        except CnpcError:
            return InForce(EMPTY, Drift.LOST, loaded=True)
        generation = self._node.generation()
        if generation == kernel.generation or self._untouched(layout, kernel, wholly):
            return InForce(layout, Drift.NONE, loaded=True, generation=generation)
        return InForce(EMPTY, Drift.CHANGED, loaded=True)

    def layout(self, version: Version) -> Layout:
        """Return a recorded version's layout; NodeError if its file is gone or was altered."""
        return read_layout(self._state.texts(version)[SUFFIX])

    def recorded(self, record: Record) -> Layout:
        """Return the layout of the version loaded last, empty where nothing was."""
        return self.layout(record.current) if record.current and record.kernel else EMPTY

    def listing(self) -> str:
        """Return the own table as nft lists it, without elements; NodeError if there is none."""
        return self._node.listing()

    def plan(self, record: Record, new: Layout) -> tuple[Plan, InForce]:
        """Return what an apply would do now, and what is in force."""
        now = self.in_force(record)
        return self._plan(now, new), now

    def check(self, ruleset: Given) -> Plan:
        """Let the kernel judge the ruleset, and return what an apply would do."""
        with self._locked() as record:
            planned, _ = self.plan(record, ruleset.layout)
            self._check(planned)
            return planned

    def apply(self, ruleset: Given, hold: Hold | None = None) -> Outcome:
        """Put the ruleset in force; NodeError if the kernel refuses, and then the old one is."""
        began = time.monotonic()
        with self._locked() as record:
            if self._quiet(record, ruleset.text):
                version = self._state.keep(_BACKEND, {SUFFIX: ruleset.text})
                return Outcome(version, plan(EMPTY, EMPTY), Drift.NONE, time.monotonic() - began)
            planned, now = self.plan(record, ruleset.layout)
            if planned.kind is Kind.NOTHING and record.current:
                return self._unchanged(record, ruleset, planned, now, began)
            if not planned.checks_itself:
                self._check(planned)
            version = self._state.keep(_BACKEND, {SUFFIX: ruleset.text})
            pending = None
            if hold:
                pending = _pending(record, time.time() + hold.seconds)
                hold.start(pending)
            known = _known(record, now, planned, ruleset.layout)
            kernel = self._carry_out(planned, ruleset.layout, version, known)
            self._record(record, version, kernel, pending)
            return Outcome(version, planned, now.drift, time.monotonic() - began)

    def cut(self, ruleset: Given) -> int:
        """End the connections that the ruleset denies, and return how many that were."""
        found = denied(ruleset.layout, self._node.elements, self._node.connections())
        return sum(self._node.forget(connection) for connection in found)

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
            if record.at_boot is None:
                return None
            before = record.pending.back_previous if record.pending else record.previous
            try:
                back = self._put(record, record.at_boot)
            except CnpcError as refusal:
                if before is None:
                    raise
                warn(f"{record.at_boot.id} cannot be loaded, but the version before: {refusal}")
                back, before = self._put(record, before), record.at_boot
            self._finish(replace(back, previous=before))
            return back.current

    def save(self, ruleset: Given) -> Version:
        """Make a ruleset what the next boot loads, and change nothing in the kernel."""
        text = ruleset.checked()
        with self._locked() as record:
            version = self._state.keep(_BACKEND, {SUFFIX: text})
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

    def generation(self) -> int:
        """Return a number that changes with whatever anybody commits."""
        return self._node.generation()

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
                self._finish(replace(back, previous=record.previous, pending=record.pending))
            return drift

    def read(self) -> Record:
        """Return the record as it is now, without waiting for anybody."""
        return self._state.read()

    def look(self) -> tuple[Record, InForce]:
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
        layout = self.layout(version)
        planned, now = self.plan(record, layout)
        self._check(planned)
        known = _known(record, now, planned, layout)
        kernel = self._carry_out(planned, layout, version, known)
        return Record(current=replace(version, since=now_text()), kernel=kernel)

    def _finish(self, record: Record) -> None:
        self._state.write(record)
        self._state.end()

    @contextmanager
    def _locked(self) -> Iterator[Record]:
        with self._state.lock(self._waiting):
            yield self._state.read()

    def _quiet(self, record: Record, text: str) -> bool:
        """Tell whether the text was loaded last, and nobody has committed anything since."""
        kernel, current = record.kernel, record.current
        return (
            kernel is not None
            and current is not None
            and not self._state.interrupted()
            and current.texts.get(SUFFIX) == digest(text.encode())
            and kernel.place == self._node.place()
            and kernel.generation == self._node.generation()
        )

    def _untouched(self, layout: Layout, kernel: Kernel, wholly: bool) -> bool:  # noqa: FBT001 - passed on
        found = self._node.fingerprint(layout, {} if wholly else kernel.contents)
        same = found == Fingerprint(kernel.structure, kernel.contents)
        return same and (not wholly or self._node.same_contents(layout))

    def _plan(self, now: InForce, new: Layout) -> Plan:
        if now.drift in {Drift.NONE, Drift.GONE}:
            return plan(now.layout, new)
        if not self._node.has_table(TABLE):
            return plan(EMPTY, new)
        return replace_whole(new, self._spare(), self._dynamic(new))

    def _spare(self) -> str:
        """Return a spare table's name that an interrupted replacement has not left in use."""
        return next((name for name in SPARE if not self._node.has_table(name)), SPARE[0])

    def _dynamic(self, new: Layout) -> str:
        """Return what fills the dynamic sets again that the kernel has now."""
        lines = []
        for name, table in new.tables.items():
            if table.dynamic and (elements := self._node.elements(table)):
                lines.append(f"add element {{table}} {name} {{{{ {', '.join(elements)} }}}}")
        return "\n".join(lines)

    def _check(self, planned: Plan) -> None:
        """Let the kernel judge all commits as one; NodeError with its words if it refuses."""
        text = "".join(transaction.text for transaction in planned.transactions)
        if text:
            self._node.check(text)

    def _carry_out(
        self, planned: Plan, layout: Layout, version: Version, known: Mapping[str, str]
    ) -> Kernel:
        """Commit, and start over once with the whole ruleset if somebody interferes."""
        self._state.begin(version)
        try:
            return self._commit(planned, layout, known)
        except NodeError:
            return self._commit(self._afresh(layout), layout, {})

    def _afresh(self, layout: Layout) -> Plan:
        now = InForce(EMPTY, Drift.INTERRUPTED, loaded=True)
        return self._plan(now, layout)

    def _commit(self, planned: Plan, layout: Layout, known: Mapping[str, str]) -> Kernel:
        """Commit all transactions; NodeError if one is refused or the result is not as planned."""
        before = self._node.generation()
        for transaction in planned.transactions:
            self._node.commit(transaction.text)
        self._remove_spares()
        after = self._node.generation()
        kept = with_sizes(layout, planned.sizes)
        found = self._node.fingerprint(kept, known)
        if found is None:
            raise NodeError("somebody removed parts of the ruleset while it was loaded")
        alone = after - before == len(planned.transactions)
        return Kernel(
            place=self._node.place(),
            generation=after if alone else None,
            structure=found.structure,
            contents=found.contents,
            sizes=planned.sizes,
        )

    def _remove_spares(self) -> None:
        """Remove what interrupted replacements left, now that the own table judges."""
        left = [name for name in SPARE if self._node.has_table(name)]
        if left:
            for transaction in unload(left).transactions:
                self._node.commit(transaction.text)

    def _unload(self) -> bool:
        left = [name for name in (TABLE, *SPARE) if self._node.has_table(name)]
        self._state.begin(None)
        for transaction in unload(left).transactions:
            self._node.commit(transaction.text)
        return bool(left)

    def _unchanged(
        self, record: Record, ruleset: Given, planned: Plan, now: InForce, began: float
    ) -> Outcome:
        """Record a text that says the same in other words, and that others' commits are no matter.

        Such a text has another header, say.
        """
        version = self._state.keep(_BACKEND, {SUFFIX: ruleset.text})
        if record.kernel:
            kernel = replace(record.kernel, sizes=planned.sizes, generation=now.generation)
            if kernel != record.kernel or not version.same(record.current):
                self._record(record, version, kernel, record.pending)
        return Outcome(version, planned, Drift.NONE, time.monotonic() - began)

    def _record(
        self, record: Record, version: Version, kernel: Kernel | None, pending: Pending | None
    ) -> None:
        same = version.same(record.current)
        previous = record.previous if same else record.current
        self._finish(Record(current=version, previous=previous, kernel=kernel, pending=pending))


def _known(record: Record, now: InForce, planned: Plan, new: Layout) -> Mapping[str, str]:
    """Return the digests of those sets' elements that the plan leaves as they are."""
    if record.kernel is None or planned.kind is Kind.REPLACE:
        return {}
    kept = unchanged(now.layout, with_sizes(new, planned.sizes))
    return {name: text for name, text in record.kernel.contents.items() if name in kept}


def _pending(record: Record, until: float) -> Pending:
    return Pending(
        token=secrets.token_hex(8),
        until=until,
        back_to=record.current,
        back_previous=record.previous,
    )
