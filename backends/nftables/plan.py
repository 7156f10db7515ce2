"""From what differs to a few atomic commits, in an order in which no packet suffers.

What leaks or loses packets was measured: a verdict-map element that leads to a chain of the same
commit does, and so do elements that move between sets in one commit; rules that are flushed and
written again in one commit do not. A set of intervals that is made in one commit with the rules
that look into it is empty to the packets of the first microseconds (Linux 6.18): base chains come
after what they lead to. Hence the kinds of plan, from the cheapest on; between two of its commits
the old or the new ruleset is in force, whole.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .diff import Changes, SetChange, compare
from .names import SPARE, TABLE
from .ruleset import EMPTY, NftChain, NftRuleset, NftSet, block
from .switch_over import Overlay, come_or_go, understood


class PlanKind(enum.Enum):
    """How a change is carried out."""

    NOTHING = "nothing"
    LOAD = "load"
    ELEMENTS = "elements"
    RULES = "rules"
    OVERLAY = "overlay"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One atomic commit: its text, and how many objects, rules and elements it names."""

    text: str
    operations: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Commits in order; ``sizes`` are those that sets keep although the text declares others."""

    kind: PlanKind
    transactions: tuple[Transaction, ...]
    sizes: Mapping[str, int]

    @property
    def checks_itself(self) -> bool:
        """Whether it is one commit of elements, which is carried out whole or not at all."""
        return self.kind is PlanKind.ELEMENTS and len(self.transactions) == 1

    @property
    def operations(self) -> int:
        """How many objects, rules and elements all commits name."""
        return sum(item.operations for item in self.transactions)


def plan(old: NftRuleset, new: NftRuleset) -> Plan:
    """Return the commits that lead from the one ruleset, known to be in force, to the other."""
    changes = compare(old, new)
    if not changes:
        return Plan(PlanKind.NOTHING, (), changes.sizes)
    if old == EMPTY:
        return load(new)
    if changes.hooks_differ:
        return replace_whole(new)
    if not changes.sets or (not changes.rules_differ and come_or_go(old, new, changes.sets)):
        return _directly(changes)
    return _overlaid(new, changes) if _clear(new) else replace_whole(new)


def load(new: NftRuleset) -> Plan:
    """Return the commits that load a ruleset where there is none, or nothing of it judges."""
    fresh = [_Line(f"table {TABLE}"), _Line(f"delete table {TABLE}"), *_led_to(new, TABLE)]
    return _steps(PlanKind.LOAD, {}, fresh, _leading(new, TABLE))


def replace_whole(new: NftRuleset, spare: str = SPARE[0], restore: str = "") -> Plan:
    """Return the commits that replace whatever the own table is now.

    A second table with the new ruleset judges beside it meanwhile, so a packet passes if both let
    it pass. A table is emptied of rules before it is deleted: its elements would go first.
    ``restore`` are statements that fill dynamic sets, for the table ``{table}``.
    """
    return _steps(
        PlanKind.REPLACE,
        {},
        _led_to(new, spare, restore),
        _leading(new, spare),
        [_Line(f"table {TABLE}"), _Line(f"flush table {TABLE}")],
        [_Line(f"delete table {TABLE}"), *_led_to(new, TABLE, restore)],
        _leading(new, TABLE),
        [_Line(f"flush table {spare}")],
        [_Line(f"delete table {spare}")],
    )


def unload(tables: Iterable[str]) -> Plan:
    """Return the commits that remove tables without a packet lost on the way."""
    names = tuple(tables)
    return _steps(
        PlanKind.REPLACE,
        {},
        [_Line(f"flush table {name}") for name in names],
        [_Line(f"delete table {name}") for name in names],
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A statement, and how many objects, rules and elements it names."""

    text: str
    operations: int = 1


def _steps(kind: PlanKind, sizes: Mapping[str, int], *steps: Iterable[_Line]) -> Plan:
    made = []
    for step in steps:
        lines = tuple(step)
        if lines:
            text = "".join(line.text.removesuffix("\n") + "\n" for line in lines)
            made.append(Transaction(text, sum(line.operations for line in lines)))
    return Plan(kind, tuple(made), sizes)


def _led_to(layout: NftRuleset, table: str, restore: str = "") -> Iterator[_Line]:
    """Yield what makes all but the base chains: nothing judges yet."""
    yield from _made(layout.sets.values(), _apart(layout.chains.values())[0], table)
    if restore:
        yield _Line(restore.format(table=table))


def _leading(layout: NftRuleset, table: str) -> Iterator[_Line]:
    """Yield what makes the base chains: with this commit the ruleset judges."""
    return _made((), _apart(layout.chains.values())[1], table)


def _apart(chains: Iterable[NftChain]) -> tuple[list[NftChain], list[NftChain]]:
    """Return the chains that others lead to, and the base chains."""
    listed = tuple(chains)
    return [item for item in listed if not item.hook], [item for item in listed if item.hook]


def _weight(tables: Iterable[NftSet], chains: Iterable[NftChain]) -> int:
    weight = sum(1 + len(table) for table in tables)
    return weight + sum(1 + len(chain.rules) for chain in chains)


def _clear(layout: NftRuleset) -> bool:
    return all(understood(rule) for chain in layout.chains.values() for rule in chain.rules)


def _made(
    tables: Iterable[NftSet], chains: Iterable[NftChain], table: str = TABLE
) -> Iterator[_Line]:
    sets, rules = tuple(tables), tuple(chains)
    if sets or rules:
        blocks = [*(item.text() for item in sets), *(item.text() for item in rules)]
        yield _Line(block(blocks, table), _weight(sets, rules))


def _rewritten(chains: Iterable[NftChain]) -> Iterator[_Line]:
    """Yield what flushes chains and writes their rules again."""
    listed = tuple(chains)
    yield from (_Line(f"flush chain {TABLE} {chain.name}") for chain in listed)
    yield from _made((), listed)


def _elements(changes: Iterable[SetChange]) -> Iterator[_Line]:
    for change in changes:
        name = change.new.name
        if change.remade:
            yield _Line(f"delete {change.old.kind} {TABLE} {name}")
            yield from _made((change.new,), ())
            continue
        if not change.new.exact:
            yield from _refilled(change.new)
            continue
        for verb, elements in (("delete", change.removed), ("add", change.added)):
            if elements:
                text = f"{verb} element {TABLE} {name} {{ {', '.join(elements)} }}"
                yield _Line(text, len(elements))


def _refilled(table: NftSet) -> Iterator[_Line]:
    """Yield what fills a set of intervals again, which costs less than changing some of them."""
    yield _Line(f"flush {table.kind} {TABLE} {table.name}")
    elements = table.lines()
    if elements:
        text = f"add element {TABLE} {table.name} {{ {', '.join(elements)} }}"
        yield _Line(text, len(elements))


def _remove(changes: Changes) -> Iterator[_Line]:
    """Yield what deletes objects that nothing leads to; what leads to others goes first."""
    yield from _emptied(changes)
    yield from _deleted(changes.sets_removed.values(), changes.chains_removed.values())


def _emptied(changes: Changes) -> Iterator[_Line]:
    return (_Line(f"flush chain {TABLE} {name}") for name in changes.chains_removed)


def _deleted(tables: Iterable[NftSet], chains: Iterable[NftChain]) -> Iterator[_Line]:
    """Yield the deletions, those of maps first: their elements lead to chains."""
    listed = tuple(tables)
    maps = (table for table in listed if table.kind == "map")
    sets = (table for table in listed if table.kind == "set")
    yield from (_Line(f"delete map {TABLE} {table.name}") for table in maps)
    yield from (_Line(f"delete chain {TABLE} {chain.name}") for chain in chains)
    yield from (_Line(f"delete set {TABLE} {table.name}") for table in sets)


def _directly(changes: Changes) -> Plan:
    """Return: build; switch to the new rules, or change elements; delete."""
    inner, base = _apart(changes.chains_added.values())
    elements = changes.sets.values()
    switch = [*_rewritten(changes.chains.values()), *_made((), base), *_elements(elements)]
    kind = PlanKind.ELEMENTS if changes.sets else PlanKind.RULES
    build = _made(changes.sets_added.values(), inner)
    return _steps(kind, changes.sizes, build, switch, _remove(changes))


def _overlaid(new: NftRuleset, changes: Changes) -> Plan:
    """Return: build; switch to rules that mean the new contents; change those; switch; delete."""
    overlay = Overlay(changes.sets)
    helpers = overlay.sets()
    concerned = [chain for chain in new.chains.values() if overlay.concerns(chain)]
    switched = [chain for chain in concerned if chain.name not in changes.chains_added]
    switched += [item for name, item in changes.chains.items() if not overlay.concerns(item)]
    inner, base = (map(overlay.over, part) for part in _apart(changes.chains_added.values()))
    return _steps(
        PlanKind.OVERLAY,
        changes.sizes,
        _made([*changes.sets_added.values(), *helpers], inner),
        [*_rewritten(map(overlay.over, switched)), *_made((), base)],
        [*_emptied(changes), *_elements(changes.sets.values())],
        _rewritten(concerned),
        _deleted([*changes.sets_removed.values(), *helpers], changes.chains_removed.values()),
    )
