"""The steps from one iptables ruleset to another, and whether the kernel has one whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ...nftables.plan import PlanKind
from ..names import TABLES
from ..ruleset import IptablesRuleset
from .saved import IN_FRONT, NOTHING, NOWHERE, Saved, change, operations
from .tools import Where


@dataclass(frozen=True, slots=True)
class Step:
    """One commit: the text that changes a family's table, and what was there before."""

    where: Where
    text: str
    before: Saved


@dataclass(frozen=True, slots=True)
class IptablesPlan:
    """A text for ipset and the steps behind it, and which sets there were before."""

    kind: PlanKind
    sets: str
    steps: tuple[Step, ...]
    sets_before: frozenset[str]
    checks_itself: ClassVar[bool] = True

    @property
    def transactions(self) -> tuple[str, ...]:
        """The texts that there are, in the order of loading."""
        return tuple(text for text in (self.sets, *(step.text for step in self.steps)) if text)

    @property
    def operations(self) -> int:
        """How many entries, chains, rules and jumps they name."""
        return self.sets.count("\nadd ") + sum(operations(step.text) for step in self.steps)


NO_PLAN = IptablesPlan(PlanKind.NOTHING, "", (), frozenset())
"""What is done where both say the same."""


def same_rules(old: IptablesRuleset, new: IptablesRuleset, families: Sequence[str]) -> bool:
    """Tell whether both say the same in every table of the families that a node has."""
    return all(
        old.rules(family, table) == new.rules(family, table)
        for family in families
        for table in TABLES
    )


def steps(
    old: IptablesRuleset,
    new: IptablesRuleset,
    saved: Mapping[Where, Saved],
    families: Sequence[str],
) -> Iterator[Step]:
    """Yield what leads to the new ruleset, first in the tables that are to judge.

    Only then ours goes from other tables, so that one of both judges at any time; a packet passes
    if both allow it.
    """
    for table in sorted(TABLES, key=lambda table: table not in new.tables):
        for family in families:
            before = saved.get((family, table), NOTHING)
            known, wanted = old.rules(family, table), new.rules(family, table)
            write = {name: own for name, own in wanted.items() if known.get(name) != own}
            stale = before.chains.keys() - wanted.keys()
            jumps = IN_FRONT if table in new.tables else NOWHERE
            if write or stale or before.jumps != jumps:
                text = change(table, before, write, stale, jumps)
                yield Step((family, table), text, before)


def whole(saved: Mapping[Where, Saved], new: IptablesRuleset, families: Sequence[str]) -> bool:
    """Tell whether each table has all chains, each with its number of rules, and the jumps."""
    return all(
        _table_whole(saved.get((family, table), NOTHING), new, family, table)
        for family in families
        for table in TABLES
    )


def _table_whole(saved: Saved, new: IptablesRuleset, family: str, table: str) -> bool:
    wanted = {name: len(rules) for name, rules in new.rules(family, table).items()}
    found = {name: len(rules) for name, rules in saved.chains.items() if name not in saved.held}
    kept = {name: len(rules) for name, rules in saved.chains.items() if name in wanted}
    jumps = IN_FRONT if table in new.tables else NOWHERE
    return kept == wanted and found.keys() <= wanted.keys() and saved.jumps == jumps
