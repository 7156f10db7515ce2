"""From what differs to a few atomic commits, in an order in which no packet suffers.

What leaks or loses packets was measured: a verdict-map element that leads to a chain of the same
commit does, and so do elements that move between sets in one commit; rules that are flushed and
written again in one commit do not. Hence the kinds of plan, from the cheapest on; between two of
its commits the old or the new ruleset is in force, whole.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .changes import Changes, TableChange, compare
from .layout import EMPTY, TABLE, Chain, Layout, Table, block
from .overlay import Overlay, understood

SPARE = ("inet cnpc_spare", "inet cnpc_spare2")
"""Tables that judge beside the own one while that is replaced as a whole."""

_MOST_ADDRESSES = 64


class Kind(enum.Enum):
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

    kind: Kind
    transactions: tuple[Transaction, ...]
    sizes: Mapping[str, int]

    @property
    def checks_itself(self) -> bool:
        """Whether it is one commit of elements, which is carried out whole or not at all."""
        return self.kind is Kind.ELEMENTS and len(self.transactions) == 1

    @property
    def operations(self) -> int:
        """How many objects, rules and elements all commits name."""
        return sum(item.operations for item in self.transactions)


def plan(old: Layout, new: Layout) -> Plan:
    """Return the commits that lead from the one ruleset, known to be in force, to the other."""
    changes = compare(old, new)
    if not changes:
        return Plan(Kind.NOTHING, (), changes.sizes)
    if old == EMPTY:
        return load(new)
    if changes.hooks_differ:
        return replace_whole(new)
    if not changes.tables:
        return _steps(Kind.RULES, changes.sizes, _build(changes), _rules(changes), _remove(changes))
    if not changes.chains and _only_come_or_gone(old, new, changes.tables):
        middle = _elements(changes.tables.values())
        return _steps(Kind.ELEMENTS, changes.sizes, _build(changes), middle, _remove(changes))
    return _overlaid(new, changes) if _clear(new) else replace_whole(new)


def load(new: Layout, table: str = TABLE) -> Plan:
    """Return the one commit that loads a ruleset where there is none, or nothing of it judges."""
    lines = [_Line(f"table {table}"), _Line(f"delete table {table}")]
    return _steps(Kind.LOAD, {}, [*lines, _whole(new, table)])


def replace_whole(new: Layout, spare: str = SPARE[0], restore: str = "") -> Plan:
    """Return the commits that replace whatever the own table is now.

    A second table with the new ruleset judges beside it meanwhile, so a packet passes if both let
    it pass. A table is emptied of rules before it is deleted: its elements would go first.
    ``restore`` are statements that fill dynamic sets, for the table ``{table}``.
    """
    fill = _Line(restore.format(table=spare)) if restore else None
    refill = _Line(restore.format(table=TABLE)) if restore else None
    first = [_whole(new, spare), *([fill] if fill else [])]
    fresh = [_Line(f"delete table {TABLE}"), _whole(new, TABLE), *([refill] if refill else [])]
    return _steps(
        Kind.REPLACE,
        {},
        first,
        [_Line(f"table {TABLE}"), _Line(f"flush table {TABLE}")],
        fresh,
        [_Line(f"flush table {spare}")],
        [_Line(f"delete table {spare}")],
    )


def unload(tables: Iterable[str]) -> Plan:
    """Return the commits that remove tables without a packet lost on the way."""
    names = tuple(tables)
    return _steps(
        Kind.REPLACE,
        {},
        [_Line(f"flush table {name}") for name in names],
        [_Line(f"delete table {name}") for name in names],
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A statement, and how many objects, rules and elements it names."""

    text: str
    operations: int = 1


def _steps(kind: Kind, sizes: Mapping[str, int], *steps: Iterable[_Line]) -> Plan:
    made = []
    for step in steps:
        lines = tuple(step)
        if lines:
            text = "".join(line.text.removesuffix("\n") + "\n" for line in lines)
            made.append(Transaction(text, sum(line.operations for line in lines)))
    return Plan(kind, tuple(made), sizes)


def _whole(layout: Layout, table: str) -> _Line:
    tables, chains = layout.tables.values(), layout.chains.values()
    return _Line(layout.text(table), _weight(tables, chains))


def _weight(tables: Iterable[Table], chains: Iterable[Chain]) -> int:
    weight = sum(1 + len(table) for table in tables)
    return weight + sum(1 + len(chain.rules) for chain in chains)


def _clear(layout: Layout) -> bool:
    return all(understood(rule) for chain in layout.chains.values() for rule in chain.rules)


def _made(tables: Iterable[Table], chains: Iterable[Chain]) -> Iterator[_Line]:
    sets, rules = tuple(tables), tuple(chains)
    if sets or rules:
        text = block([*(item.text() for item in sets), *(item.text() for item in rules)])
        yield _Line(text, _weight(sets, rules))


def _build(changes: Changes) -> Iterator[_Line]:
    yield from _made(changes.tables_added.values(), changes.chains_added.values())


def _rules(changes: Changes) -> Iterator[_Line]:
    yield from _rewritten(changes.chains.values())


def _rewritten(chains: Iterable[Chain]) -> Iterator[_Line]:
    """Yield what flushes chains and writes their rules again."""
    listed = tuple(chains)
    yield from (_Line(f"flush chain {TABLE} {chain.name}") for chain in listed)
    yield from _made((), listed)


def _elements(changes: Iterable[TableChange]) -> Iterator[_Line]:
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


def _refilled(table: Table) -> Iterator[_Line]:
    """Yield what fills a set of intervals again, which costs less than changing some of them."""
    yield _Line(f"flush {table.kind} {TABLE} {table.name}")
    elements = table.lines()
    if elements:
        text = f"add element {TABLE} {table.name} {{ {', '.join(elements)} }}"
        yield _Line(text, len(elements))


def _remove(changes: Changes) -> Iterator[_Line]:
    """Yield what deletes objects that nothing leads to; what leads to others goes first."""
    yield from _emptied(changes)
    yield from _deleted(changes.tables_removed.values(), changes.chains_removed.values())


def _emptied(changes: Changes) -> Iterator[_Line]:
    return (_Line(f"flush chain {TABLE} {name}") for name in changes.chains_removed)


def _deleted(tables: Iterable[Table], chains: Iterable[Chain]) -> Iterator[_Line]:
    """Yield the deletions, those of maps first: their elements lead to chains."""
    listed = tuple(tables)
    maps = (table for table in listed if table.kind == "map")
    sets = (table for table in listed if table.kind == "set")
    yield from (_Line(f"delete map {TABLE} {table.name}") for table in maps)
    yield from (_Line(f"delete chain {TABLE} {chain.name}") for chain in chains)
    yield from (_Line(f"delete set {TABLE} {table.name}") for table in sets)


def _overlaid(new: Layout, changes: Changes) -> Plan:
    """Return: build; switch to rules that mean the new contents; change those; switch; delete."""
    overlay = Overlay(changes.tables)
    helpers = overlay.tables()
    concerned = [chain for chain in new.chains.values() if overlay.concerns(chain)]
    fresh = changes.chains_added
    switched = [chain for chain in concerned if chain.name not in fresh]
    switched += [item for name, item in changes.chains.items() if not overlay.concerns(item)]
    return _steps(
        Kind.OVERLAY,
        changes.sizes,
        _made([*changes.tables_added.values(), *helpers], map(overlay.over, fresh.values())),
        _rewritten(map(overlay.over, switched)),
        [*_emptied(changes), *_elements(changes.tables.values())],
        _rewritten(concerned),
        _deleted([*changes.tables_removed.values(), *helpers], changes.chains_removed.values()),
    )


def _only_come_or_gone(old: Layout, new: Layout, changes: Mapping[str, TableChange]) -> bool:
    """Tell whether all that changes is addresses that one of the rulesets does not know at all.

    No packet of theirs is judged by elements of both rulesets, which makes one commit enough.
    """
    if any(item.remade or not item.new.exact for item in changes.values()):
        return False
    added = {part for item in changes.values() for part in _addresses(item.added)}
    removed = {part for item in changes.values() for part in _addresses(item.removed)}
    if len(added) + len(removed) > _MOST_ADDRESSES or added & removed:
        return False
    return not _known(old, added) and not _known(new, removed)


def _addresses(elements: Iterable[str]) -> Iterator[str]:
    for element in elements:
        for part in element.partition(" : ")[0].split(" . "):
            if "." in part or ":" in part:
                yield part


def _known(layout: Layout, addresses: Iterable[str]) -> bool:
    tables = layout.tables.values()
    return any(table.has(word) for word in addresses for table in tables)
