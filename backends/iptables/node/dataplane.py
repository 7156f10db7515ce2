"""The node's iptables and ipset: observes, plans, commits and removes a ruleset.

Sets have the tag of their contents in their names, so new ones can be loaded and old ones kept
while the rules switch. The rules of a family's table switch in one commit.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from ....compiler.errors import NodeError
from ...apply.dataplane import BusyError, Drift, Installed, UntouchedError
from ...apply.record import KernelState
from ...linux.conntrack import denied
from ...nftables.node.client import WithoutNft
from ...nftables.node.kernel import LinuxKernel, NodeKernel
from ...nftables.plan import PlanKind
from ...nftables.ruleset import NftRuleset
from ..decompile import judge_of
from ..listing import readable
from ..names import BACKEND, TABLES
from ..ruleset import EMPTY, IptablesRuleset, read_iptables
from . import active as iptables_presence
from . import tools
from .doctor import ours_in_both
from .generation import IptablesGenerationCheck, digest
from .own_rules import own, own_texts, own_where
from .plan import NO_PLAN, IptablesPlan, Step, same_rules, steps, whole
from .saved import NOWHERE, Saved, change, own_lines
from .tools import Where, system_tools

_TRIES, _PAUSE = 20, 0.05


class IptablesDataplane:
    """Our chains in the tables of both families, and our sets."""

    backend = BACKEND
    empty = EMPTY

    def __init__(self, node: NodeKernel, system: tools.Tools) -> None:
        """Take the programs that the system has chosen; the node is for what needs no program."""
        self._node = node
        self._tools = system
        self._families = system.families
        self._signs = IptablesGenerationCheck(system.flavour, system.families)

    def read(self, texts: Mapping[str, str]) -> IptablesRuleset:
        """Return what the texts say; InputError where they are not as compile writes them."""
        return read_iptables(texts)

    def readable(self, ruleset: IptablesRuleset) -> NftRuleset:
        """Return a ruleset as it is shown to people."""
        return readable(ruleset)

    def netns_id(self) -> str:
        """Return what names this boot of this network namespace."""
        return self._signs.netns_id()

    def present(self) -> bool:
        """Tell whether a chain or jump of ours is loaded."""
        return any(map(bool, own(self._tools).values()))

    def difference(self, kernel: KernelState) -> Drift:
        """Return how the kernel differs, where it is not as it was noted."""
        return Drift.CHANGED if self._signs.knows_as_much(kernel) else Drift.EARLIER

    def where_active(self) -> tuple[str, ...]:
        """Return where rules of ours judge packets, of either flavour."""
        return iptables_presence.where_active()

    def obstacle(self) -> str:
        """Return that the other flavour has ours, with the remedy; "" where it has not."""
        return ours_in_both(self._tools)

    def left_out(self) -> str:
        """Return that only IPv4 is loaded, and why; "" where IPv6 is too."""
        if "v6" in self._families:
            return ""
        return f"the rules for IPv4 alone are in force: {tools.without_ipv6()}"

    def is_unchanged(self, kernel: KernelState) -> bool:
        """Tell whether rules are untouched, and sets have the same entries."""
        return self._signs.is_unchanged(kernel)

    def verified(
        self, ruleset: IptablesRuleset, kernel: KernelState, *, wholly: bool
    ) -> tuple[IptablesRuleset, KernelState] | None:
        """Return the ruleset, and how the kernel is now; None where it differs from what it was."""
        before = self._signs.generation()
        if not self._signs.has_sets_of(kernel, wholly=wholly):
            return None
        if before is not None and before == kernel.generation and self._signs.judges():
            return ruleset, kernel
        if self._structure(own(self._tools)) != kernel.structure:
            return None
        return ruleset, replace(kernel, generation=self._if_still(before))

    def changed(self, ruleset: IptablesRuleset, kernel: KernelState) -> tuple[str, ...]:  # noqa: ARG002 - nftables needs it
        """Return "rules" where some differ, and the sets that came, went or have other entries."""
        rules = self._structure(own(self._tools)) != kernel.structure
        return (*(["rules"] if rules else []), *self._signs.other_sets(kernel))

    def plan(self, now: Installed[IptablesRuleset], new: IptablesRuleset) -> IptablesPlan:
        """Return what leads to the ruleset; NodeError where the other flavour has ours."""
        old = now.ruleset
        if "v6" not in self._families and new.has_addresses("v6"):
            raise NodeError(
                "pods of this node have IPv6 addresses, which nothing would judge: "
                f"{tools.without_ipv6()}"
            )
        if same_rules(old, new, self._families) and old.sets.keys() == new.sets.keys():
            return NO_PLAN
        if reason := self.obstacle():
            raise NodeError(reason)
        changes = tuple(steps(old, new, own_texts(self._tools), self._families))
        there = frozenset(tools.ipset_headers())
        sets = (
            item.exchanged() if name in there else item.text
            for name, item in new.sets.items()
            if name not in old.sets
        )
        return IptablesPlan(_kind(now), "".join(sets), changes, there)

    def check(self, planned: IptablesPlan) -> None:
        """Let the tools judge the rules, for which the new sets are there meanwhile."""
        self._try(planned)
        _destroy_all_but(planned.sets_before)

    def commit(
        self,
        planned: IptablesPlan,
        now: Installed[IptablesRuleset],  # noqa: ARG002 - nftables needs it
        new: IptablesRuleset,
    ) -> KernelState:
        """Load the sets, take each step, and remove what is old.

        UntouchedError if anything is refused, after which all tables are as they were.
        """
        self._try(planned)
        self._switch(planned)
        _destroy_all_but(new.sets)
        return self._found(new)

    def renamed(self, kernel: KernelState, planned: IptablesPlan) -> KernelState:  # noqa: ARG002 - nftables needs it
        """Return how the kernel is: the same, since sets of another size have other names."""
        return kernel

    def unload(self) -> bool:
        """Remove our chains, jumps and sets, of both flavours; False if there were none."""
        other = tools.other_flavour(self._tools.flavour)
        found = [self._remove(one) for one in (self._tools, other) if one]
        return any([*found, _destroy_all_but(())])

    def cut(self, ruleset: IptablesRuleset) -> int:
        """End the connections that the ruleset denies, and return how many that were."""
        judge = judge_of(ruleset, tools.ipset_entries)
        return sum(self._node.forget(item) for item in denied(judge, self._node.connections()))

    def generation(self) -> object:
        """Return something that differs after whatever anybody changed."""
        rules = self._signs.generation() or self._structure(own(self._tools))
        return rules, tuple(tools.ipset_headers().items())

    def listing(self) -> str:
        """Return the own rules of both families with what they have counted."""
        return "".join(
            own_lines(self._tools.save(family, table, counters=True), family)
            for family, table in self._judging_first()
        )

    def _judging_first(self) -> Iterator[Where]:
        """Yield for each family the table in which packets meet rules of ours first."""
        saved = own(self._tools)
        for family in self._families:
            tables = (table for table in TABLES if saved.get((family, table)))
            yield from ((family, table) for table in islice(tables, 1))

    def _if_still(self, before: int | None) -> int | None:
        """Return the number if no rule has changed since; None where one may have."""
        return before if before == self._signs.generation() else None

    def _structure(self, saved: Mapping[Where, Saved]) -> str:
        texts = (f"{where}\n{own.text()}" for where, own in sorted(saved.items()) if own)
        return digest("\n".join((self._tools.flavour, *texts)))

    def _try(self, planned: IptablesPlan) -> None:
        """Load the new sets, which no rule uses yet, and test the rules."""
        try:
            if planned.sets:
                tools.ipset_restore(planned.sets)
            for step in planned.steps:
                self._tools.restore(step.where[0], step.text, test=True)
        except NodeError as refusal:
            _destroy_all_but(planned.sets_before)
            raise _untouched(refusal) from None

    def _switch(self, planned: IptablesPlan) -> None:
        """Commit each step; if one is refused, those before it go back, the last one first."""
        done: list[Step] = []
        try:
            for step in planned.steps:
                self._tools.restore(step.where[0], step.text)
                done.append(step)
        except NodeError as refusal:
            for step in reversed(done):
                self._back(step)
            _destroy_all_but(planned.sets_before)
            raise _untouched(refusal) from None

    def _back(self, step: Step) -> None:
        (family, table), before = step.where, step.before
        now = own_where(self._tools, step.where)
        stale = now.chains.keys() - before.chains.keys()
        self._tools.restore(family, change(table, now, before.chains, stale, before.jumps))

    def _remove(self, one: tools.Tools) -> bool:
        """Remove the chains and jumps of one flavour."""
        found = own(one)
        for (family, table), saved in found.items():
            if saved:
                one.restore(family, change(table, saved, {}, saved.chains, NOWHERE))
        return any(map(bool, found.values()))

    def _found(self, new: IptablesRuleset) -> KernelState:
        """Return how the kernel is; NodeError if it is not as it should be."""
        before = self._signs.generation()
        saved = own(self._tools)
        if not whole(saved, new, self._families) or new.sets.keys() - tools.ipset_headers().keys():
            raise NodeError("somebody removed parts of the ruleset while it was loaded")
        return KernelState(
            place=self.netns_id(),
            generation=self._if_still(before),
            structure=self._structure(saved),
            contents=self._signs.contents(),
        )


def _untouched(refusal: NodeError) -> UntouchedError:
    kind = BusyError if isinstance(refusal, tools.LockedError) else UntouchedError
    return kind(str(refusal))


def _kind(now: Installed[IptablesRuleset]) -> PlanKind:
    if now.drift in {Drift.CHANGED, Drift.EARLIER, Drift.INTERRUPTED, Drift.FOREIGN}:
        return PlanKind.REPLACE
    return PlanKind.LOAD if now.ruleset == EMPTY else PlanKind.RULES


def _destroy_all_but(kept: Container[str]) -> bool:
    """Destroy our other sets; False if there are none.

    A set that rules used is free a moment after they went. What rules of others use stays, until
    they are gone and something is applied.
    """
    left = [name for name in tools.ipset_headers() if name not in kept]
    found = bool(left)
    for _ in range(_TRIES):
        if not left:
            break
        refused = []
        for name in left:
            try:
                tools.run(["ipset", "destroy", name])
            except NodeError:
                refused.append(name)
        left = refused
        if left:
            time.sleep(_PAUSE)
    return found


def open_dataplane() -> IptablesDataplane:
    """Return it; NodeError with the remedy where the node lacks a part of it."""
    return IptablesDataplane(LinuxKernel(WithoutNft()), system_tools())
