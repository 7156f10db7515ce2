"""What is in force on a node, as far as its record and its kernel tell; changes neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...compiler.errors import CnpcError
from ..linux.netlink import place
from ..nftables.ruleset import EMPTY, Layout
from .dataplane import Drift, Given, InForce, Planned
from .dataplanes import Filter, NodeFilters
from .generation_check import untouched
from .record import Kernel, Record, Version
from .store import State, digest


@dataclass(frozen=True, slots=True)
class View:
    """Looks at the kernel; NodeError where the node lacks the packet filter that is meant."""

    filters: NodeFilters
    state: State

    def in_force(
        self, record: Record, new: Given[Any] | None = None, *, wholly: bool = True
    ) -> InForce[Any]:
        """Return what a packet filter has now, asking as little as possible.

        It is the one of the new ruleset; without that, the one of the version loaded last. Not
        ``wholly``, elements that were exchanged for as many others are not seen.
        """
        own = self.filters[new.backend] if new else self.filters.of(record)
        kernel, current = record.kernel, record.current
        if self.state.interrupted():
            return InForce(own.empty, Drift.INTERRUPTED, loaded=True)
        if current is None or kernel is None or not _is_here(own, current, kernel):
            return InForce(own.empty, self._unnoted(own), loaded=False)
        try:
            known = self._read(current, new)
        except CnpcError:
            drift = Drift.LOST
        else:
            found = own.verified(known, kernel, wholly=wholly)
            if found is not None:
                return InForce(found[0], Drift.NONE, loaded=True, kernel=found[1])
            drift = own.difference(kernel)
            if drift is Drift.CHANGED:
                changed = own.changed(known, kernel)
                return InForce(own.empty, drift, loaded=True, changed=changed)
        if not own.present():
            drift = Drift.MOVED if own.judging() else Drift.GONE
        return InForce(own.empty, drift, loaded=True)

    def untouched(self, record: Record, new: Given[Any]) -> bool:
        """Tell at once whether the texts were loaded last, and nobody has changed anything since.

        False where that takes a closer look, or where something waits that an apply ends.
        """
        current = record.current
        if current is None or current.backend != new.backend or not record.settled:
            return False
        digests = {suffix: digest(text.encode()) for suffix, text in new.texts.items()}
        own = self.filters[new.backend]
        return current.texts == digests and untouched(record, self.state, own)

    def plan(self, record: Record, new: Given[Any]) -> tuple[Planned, InForce[Any]]:
        """Return what an apply would do now, and what is in force."""
        now = self.in_force(record, new)
        planned: Planned = self.filters[new.backend].plan(now, new.layout)
        return planned, now

    def beside(self, record: Record) -> tuple[str, ...]:
        """Return where rules of ours judge packets beside, or instead of, what was loaded last."""
        return self.filters.judging_beside(self.filters.of(record).backend)

    def elsewhere(self, record: Record) -> bool:
        """Tell whether the version was loaded since this boot in another network namespace."""
        if record.kernel is None:
            return False
        there, here = record.kernel.place, place()
        return there != here and _boot(there) == _boot(here)

    def obstacle(self, record: Record) -> str:
        """Return why what was loaded last cannot be loaded now; "" where nothing is in the way."""
        return self.filters.of(record).obstacle()

    def left_out(self, ruleset: Given[Any]) -> str:
        """Return what of a ruleset is not loaded on this node, and why; "" where all is."""
        return self.filters[ruleset.backend].left_out()

    def recorded(self, record: Record) -> Layout:
        """Return the version loaded last as people are shown it, empty where nothing was.

        NodeError if its file is gone or was altered.
        """
        if not record.current or not record.kernel:
            return EMPTY
        return self.filters.of(record).worded(self._read(record.current))

    def worded(self, ruleset: Given[Any]) -> Layout:
        """Return a ruleset as people are shown it."""
        return self.filters[ruleset.backend].worded(ruleset.layout)

    def listing(self, record: Record) -> str:
        """Return the own rules as the kernel has them; NodeError if there are none."""
        return self.filters.of(record).listing()

    def _unnoted(self, own: Filter) -> Drift:
        """Return how the kernel differs where nothing is known to have been loaded."""
        if self.state.damaged():
            return Drift.LOST
        return Drift.FOREIGN if own.present() else Drift.NONE

    def _read(self, version: Version, new: Given[Any] | None = None) -> Any:  # noqa: ANN401 - each packet filter has its own
        """Return what a version says, which a ruleset of the same texts has been read for."""
        texts = self.state.texts(version)
        if new and (new.backend, new.texts) == (version.backend, texts):
            return new.layout
        return self.filters[version.backend].read(texts)


def _boot(place: str) -> str:
    return place.partition("/")[0]


def _is_here(own: Filter, current: Version, kernel: Kernel) -> bool:
    """Tell whether the version was loaded by this packet filter, since this boot, in this place."""
    return current.backend == own.backend and kernel.place == own.place()
