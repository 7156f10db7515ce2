"""The node's iptables and ipset: how what is in force is known, replaced and removed.

Sets have the tag of their contents in their names, so new ones can be loaded and old ones kept
while the rules switch. The rules of a family switch in one commit; the two families are two.
"""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from ..compiler.errors import NodeError
from . import iptables_presence
from . import iptables_tools as tools
from .connections import denied
from .iptables_doctor import ours_in_both
from .iptables_layout import EMPTY, IptablesLayout, read_iptables
from .iptables_meaning import judge_of
from .iptables_names import BACKEND, FAMILIES, HOOKS
from .iptables_own import own, own_texts
from .iptables_saved import Jumps, Saved, change, operations, own_lines
from .iptables_signs import IptablesSigns, digest
from .iptables_words import worded
from .layout import Layout
from .node import Node
from .notes import Kernel
from .packet_filter import Drift, InForce, UntouchedError
from .transaction import Kind

_IN_FRONT = {hook: Jumps(1, first=True) for hook in HOOKS}
_NOWHERE: Mapping[str, Jumps] = {}
_TRIES, _PAUSE = 20, 0.05


@dataclass(frozen=True, slots=True)
class IptablesPlan:
    """Texts for ipset and for each family that changes, and what there was before."""

    kind: Kind
    sets: str
    rules: Mapping[str, str]
    before: Mapping[str, Saved]
    sets_before: frozenset[str]
    checks_itself: ClassVar[bool] = True

    @property
    def transactions(self) -> tuple[str, ...]:
        """The texts that there are, in the order of loading."""
        return tuple(text for text in (self.sets, *self.rules.values()) if text)

    @property
    def operations(self) -> int:
        """How many entries, chains, rules and jumps they name."""
        return self.sets.count("\nadd ") + sum(map(operations, self.rules.values()))


_NOTHING = IptablesPlan(Kind.NOTHING, "", {}, {}, frozenset())


class IptablesFilter:
    """Our chains in the table filter of both families, and our sets."""

    backend = BACKEND
    empty = EMPTY

    def __init__(self, node: Node, system: tools.Tools) -> None:
        """Take the programs that the system has chosen; the node is for what needs no program."""
        self._node = node
        self._tools = system
        self._signs = IptablesSigns(system.flavour)

    def read(self, texts: Mapping[str, str]) -> IptablesLayout:
        """Return what the texts say; InputError where they are not as compile writes them."""
        return read_iptables(texts)

    def worded(self, ruleset: IptablesLayout) -> Layout:
        """Return a ruleset as it is shown to people."""
        return worded(ruleset)

    def place(self) -> str:
        """Return what names this boot of this network namespace."""
        return self._signs.place()

    def present(self) -> bool:
        """Tell whether a chain or jump of ours is loaded."""
        return any(map(bool, own(self._tools).values()))

    def judging(self) -> tuple[str, ...]:
        """Return where rules of ours judge packets, of either flavour."""
        return iptables_presence.judging()

    def obstacle(self) -> str:
        """Return that the other flavour has ours, with the remedy; "" where it has not."""
        return ours_in_both(self._tools)

    def quiet(self, kernel: Kernel) -> bool:
        """Tell whether rules are untouched, and sets as many, each with as many entries."""
        return self._signs.quiet(kernel)

    def verified(
        self,
        ruleset: IptablesLayout,
        kernel: Kernel,
        *,
        wholly: bool,  # noqa: ARG002 - nftables needs it
    ) -> tuple[IptablesLayout, Kernel] | None:
        """Return the ruleset, and how the kernel is now; None where it differs from what it was."""
        before = self._signs.generation()
        if self._signs.sets() != kernel.contents:
            return None
        if before is not None and before == kernel.generation:
            return ruleset, kernel
        if self._structure(own(self._tools)) != kernel.structure:
            return None
        return ruleset, replace(kernel, generation=self._if_still(before))

    def plan(self, now: InForce[IptablesLayout], new: IptablesLayout) -> IptablesPlan:
        """Return what leads to the ruleset; NodeError where the other flavour has ours."""
        old = now.ruleset
        write = {
            family: {
                name: item.rules
                for name, item in chains.items()
                if name not in old.families[family]
                or old.families[family][name].rules != item.rules
            }
            for family, chains in new.families.items()
        }
        gone = any(old.families[family].keys() - new.families[family].keys() for family in FAMILIES)
        if not any(write.values()) and not gone and old.sets.keys() == new.sets.keys():
            return _NOTHING
        if reason := self.obstacle():
            raise NodeError(reason)
        before = own_texts(self._tools)
        rules = {}
        for family, saved in before.items():
            stale = saved.chains.keys() - new.families[family].keys()
            if write[family] or stale or saved.jumps != _IN_FRONT:
                rules[family] = change(saved, write[family], stale, _IN_FRONT)
        there = frozenset(tools.ipset_headers())
        sets = (
            item.exchanged() if name in there else item.text
            for name, item in new.sets.items()
            if name not in old.sets
        )
        return IptablesPlan(_kind(now), "".join(sets), rules, before, there)

    def check(self, planned: IptablesPlan) -> None:
        """Let the tools judge the rules, for which the new sets are there meanwhile."""
        self._try(planned)
        _destroy_all_but(planned.sets_before)

    def commit(
        self,
        planned: IptablesPlan,
        now: InForce[IptablesLayout],  # noqa: ARG002 - nftables needs it
        new: IptablesLayout,
    ) -> Kernel:
        """Load the sets, switch each family, and remove what is old.

        UntouchedError if anything is refused, after which both families are as they were.
        """
        self._try(planned)
        self._switch(planned)
        _destroy_all_but(new.sets)
        return self._found(new)

    def renamed(self, kernel: Kernel, planned: IptablesPlan) -> Kernel:  # noqa: ARG002 - nftables needs it
        """Return how the kernel is: the same, since sets of another size have other names."""
        return kernel

    def unload(self) -> bool:
        """Remove our chains, jumps and sets, of both flavours; False if there were none."""
        other = tools.other_flavour(self._tools.flavour)
        found = [self._remove(one) for one in (self._tools, other) if one]
        return any([*found, _destroy_all_but(())])

    def cut(self, ruleset: IptablesLayout) -> int:
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
            own_lines(self._tools.save(family, counters=True), family) for family in FAMILIES
        )

    def _if_still(self, before: int | None) -> int | None:
        """Return the number if no rule has changed since; None where one may have."""
        return before if before == self._signs.generation() else None

    def _structure(self, saved: Mapping[str, Saved]) -> str:
        texts = (self._tools.flavour, *(saved[family].text() for family in FAMILIES))
        return digest("\n".join(texts))

    def _try(self, planned: IptablesPlan) -> None:
        """Load the new sets, which no rule uses yet, and test the rules."""
        try:
            if planned.sets:
                tools.ipset_restore(planned.sets)
            for family, text in planned.rules.items():
                self._tools.restore(family, text, test=True)
        except NodeError as refusal:
            _destroy_all_but(planned.sets_before)
            raise UntouchedError(str(refusal)) from None

    def _switch(self, planned: IptablesPlan) -> None:
        """Commit each family; if one is refused, those before it go back."""
        done: list[str] = []
        try:
            for family, text in planned.rules.items():
                self._tools.restore(family, text)
                done.append(family)
        except NodeError as refusal:
            for family in done:
                self._back(family, planned.before[family])
            _destroy_all_but(planned.sets_before)
            raise UntouchedError(str(refusal)) from None

    def _back(self, family: str, before: Saved) -> None:
        now = own(self._tools)[family]
        stale = now.chains.keys() - before.chains.keys()
        self._tools.restore(family, change(now, before.chains, stale, before.jumps))

    def _remove(self, one: tools.Tools) -> bool:
        """Remove the chains and jumps of one flavour."""
        found = own(one)
        for family, saved in found.items():
            if saved:
                one.restore(family, change(saved, {}, saved.chains, _NOWHERE))
        return any(map(bool, found.values()))

    def _found(self, new: IptablesLayout) -> Kernel:
        """Return how the kernel is; NodeError if it is not as it should be."""
        before = self._signs.generation()
        saved = own(self._tools)
        whole = all(_whole(saved[family], new, family) for family in FAMILIES)
        if not whole or new.sets.keys() - tools.ipset_headers().keys():
            raise NodeError("somebody removed parts of the ruleset while it was loaded")
        return Kernel(
            place=self.place(),
            generation=self._if_still(before),
            structure=self._structure(saved),
            contents=self._signs.sets(),
        )


def _kind(now: InForce[IptablesLayout]) -> Kind:
    if now.drift in {Drift.CHANGED, Drift.INTERRUPTED, Drift.FOREIGN}:
        return Kind.REPLACE
    return Kind.LOAD if now.ruleset == EMPTY else Kind.RULES


def _whole(saved: Saved, new: IptablesLayout, family: str) -> bool:
    """Tell whether the family has all chains, each with its number of rules, and the jumps."""
    wanted = {name: len(item.rules) for name, item in new.families[family].items()}
    found = {name: len(rules) for name, rules in saved.chains.items() if name not in saved.held}
    kept = {name: len(rules) for name, rules in saved.chains.items() if name in wanted}
    return kept == wanted and found.keys() <= wanted.keys() and saved.jumps == _IN_FRONT


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
