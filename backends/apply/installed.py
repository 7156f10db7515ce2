"""What is in force on a node, as far as its record and its kernel tell; changes neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...compiler.errors import CnpcError
from ..linux.netlink import netns_id
from ..nftables.ruleset import EMPTY, NftRuleset
from .dataplane import Drift, Installed, Planned, RulesetSource
from .dataplanes import AnyDataplane, Dataplanes
from .generation_check import is_unchanged
from .record import KernelState, Record, Version
from .store import Store, digest


@dataclass(frozen=True, slots=True)
class InstalledView:
    """Looks at the kernel; NodeError where the node lacks the packet filter that is meant."""

    dataplanes: Dataplanes
    state: Store

    def observe(
        self, record: Record, new: RulesetSource[Any] | None = None, *, wholly: bool = True
    ) -> Installed[Any]:
        """Return what a packet filter has now, asking as little as possible.

        It is the one of the new ruleset; without that, the one of the version loaded last. Not
        ``wholly``, elements that were exchanged for as many others are not seen.
        """
        own = self.dataplanes[new.backend] if new else self.dataplanes.of(record)
        kernel, current = record.kernel, record.current
        changed: tuple[str, ...] = ()
        if self.state.interrupted():
            return Installed(own.empty, Drift.INTERRUPTED, loaded=True)
        if current is None or kernel is None or not _is_here(own, current, kernel):
            return Installed(own.empty, self._unnoted(own), loaded=False)
        try:
            known = self._read(current, new)
        except CnpcError:
            drift = Drift.LOST
        else:
            found = own.verified(known, kernel, wholly=wholly)
            if found is not None:
                return Installed(found[0], Drift.NONE, loaded=True, kernel=found[1])
            drift = own.difference(kernel)
        if not own.present():
            drift = Drift.MOVED if own.where_active() else Drift.GONE
        elif drift is Drift.CHANGED:
            changed = own.changed(known, kernel)
        return Installed(own.empty, drift, loaded=True, changed=changed)

    def is_unchanged(self, record: Record, new: RulesetSource[Any]) -> bool:
        """Tell at once whether the texts were loaded last, and nobody has changed anything since.

        False where that takes a closer look, or where something waits that an apply ends.
        """
        current = record.current
        if current is None or current.backend != new.backend or not record.settled:
            return False
        digests = {suffix: digest(text.encode()) for suffix, text in new.texts.items()}
        own = self.dataplanes[new.backend]
        return current.texts == digests and is_unchanged(record, self.state, own)

    def plan(self, record: Record, new: RulesetSource[Any]) -> tuple[Planned, Installed[Any]]:
        """Return what an apply would do now, and what is in force."""
        now = self.observe(record, new)
        planned: Planned = self.dataplanes[new.backend].plan(now, new.layout)
        return planned, now

    def leftovers(self, record: Record) -> tuple[str, ...]:
        """Return where rules of ours judge packets beside, or instead of, what was loaded last."""
        return self.dataplanes.leftovers(self.dataplanes.of(record).backend)

    def elsewhere(self, record: Record) -> bool:
        """Tell whether the version was loaded since this boot in another network namespace."""
        if record.kernel is None:
            return False
        there, here = record.kernel.place, netns_id()
        return there != here and _boot(there) == _boot(here)

    def obstacle(self, record: Record) -> str:
        """Return why what was loaded last cannot be loaded now; "" where nothing is in the way."""
        return self.dataplanes.of(record).obstacle()

    def left_out(self, backend: str) -> str:
        """Return what of a backend's rulesets this node does not load, and why; "" if nothing."""
        return self.dataplanes[backend].left_out()

    def recorded(self, record: Record) -> NftRuleset:
        """Return the version loaded last as people are shown it, empty where nothing was.

        NodeError if its file is gone or was altered.
        """
        if not record.current or not record.kernel:
            return EMPTY
        return self.dataplanes.of(record).readable(self._read(record.current))

    def readable(self, ruleset: RulesetSource[Any]) -> NftRuleset:
        """Return a ruleset as people are shown it."""
        return self.dataplanes[ruleset.backend].readable(ruleset.layout)

    def listing(self, record: Record) -> str:
        """Return the own rules as the kernel has them; NodeError if there are none."""
        return self.dataplanes.of(record).listing()

    def _unnoted(self, own: AnyDataplane) -> Drift:
        """Return how the kernel differs where nothing is known to have been loaded."""
        if self.state.damaged():
            return Drift.LOST
        return Drift.FOREIGN if own.present() else Drift.NONE

    def _read(self, version: Version, new: RulesetSource[Any] | None = None) -> Any:  # noqa: ANN401 - each packet filter has its own
        """Return what a version says, which a ruleset of the same texts has been read for."""
        texts = self.state.texts(version)
        if new and (new.backend, new.texts) == (version.backend, texts):
            return new.layout
        return self.dataplanes[version.backend].read(texts)


def _boot(netns_id: str) -> str:
    return netns_id.partition("/")[0]


def _is_here(own: AnyDataplane, current: Version, kernel: KernelState) -> bool:
    """Tell whether the version was loaded by this packet filter, since this boot, in this place."""
    return current.backend == own.backend and kernel.place == own.netns_id()
