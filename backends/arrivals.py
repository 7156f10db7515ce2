"""Changes for addresses that only one of two rulesets knows: pods that came or are gone.

A packet of theirs finds elements of one ruleset alone, so that these can change in one commit: if
it looks twice, it may find nothing the first time, and what came the second time. They must be all
that changes: a packet reads the rules first, and old rules would judge it by the new elements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..compiler.names import NETWORKS
from ..compiler.net import Family, Interval, format_addresses, normalize, parse_interval, subtract
from .changes import TableChange
from .layout import Layout

_MOST_ADDRESSES = 64
"""Each is looked for in all sets, which for so many costs what a second commit does."""


def come_or_go(old: Layout, new: Layout, changes: Mapping[str, TableChange]) -> bool:
    """Tell whether all that changes in sets and maps is about such addresses."""
    moves = {name: found for name, item in changes.items() if (found := _moves(item))}
    if len(moves) < len(changes):
        return False
    addresses = _only_in_one(old, new, moves)
    return all(_is_about(item, moves[name], addresses) for name, item in changes.items())


def _is_about(change: TableChange, moves: _Moves, addresses: set[str]) -> bool:
    """Tell whether every element that changes has one of these addresses.

    Intervals have many, and must have no other.
    """
    if not change.new.exact:
        return addresses.issuperset((*moves.come, *moves.gone))
    elements = (*change.added, *change.removed)
    return not any(addresses.isdisjoint(_addresses(item)) for item in elements)


@dataclass(frozen=True, slots=True)
class _Moves:
    """The addresses of the elements that are added, and of those that are removed."""

    come: Collection[str]
    gone: Collection[str]

    def __contains__(self, address: str) -> bool:
        return address in self.come or address in self.gone


def _moves(change: TableChange) -> _Moves | None:
    """Return whom the change concerns; None where those are not pods, or cannot be told."""
    if change.remade or change.new.name.startswith(NETWORKS):
        return None
    if change.new.exact:
        return _Moves(_all_in(change.added), _all_in(change.removed))
    if change.new.kind == "map":
        return None
    try:
        added, removed = _intervals(change.added), _intervals(change.removed)
    except ValueError:  # what the kernel will refuse, in its own words
        return None
    come, gone = subtract(added, removed), subtract(removed, added)
    if sum(high - low + 1 for low, high in (*come, *gone)) > _MOST_ADDRESSES:
        return None
    family = change.new.family
    return _Moves(_texts(family, come), _texts(family, gone))


def _intervals(elements: Iterable[str]) -> tuple[Interval, ...]:
    return normalize(map(parse_interval, elements))


def _texts(family: Family, intervals: Iterable[Interval]) -> list[str]:
    return [
        text for low, high in intervals for text in format_addresses(family, range(low, high + 1))
    ]


def _all_in(elements: Iterable[str]) -> set[str]:
    return {address for element in elements for address in _addresses(element)}


def _addresses(element: str) -> Iterator[str]:
    for part in element.partition(" : ")[0].split(" . "):
        if "." in part or ":" in part:
            yield part


def _only_in_one(old: Layout, new: Layout, moves: Mapping[str, _Moves]) -> set[str]:
    added = {address for item in moves.values() for address in item.come}
    removed = {address for item in moves.values() for address in item.gone}
    come, gone = added - removed, removed - added
    if len(come) + len(gone) > _MOST_ADDRESSES:
        return set()
    found = {address for address in come if not _knows(old, address, moves)}
    return found | {address for address in gone if not _knows(new, address, moves)}


def _knows(layout: Layout, address: str, moves: Mapping[str, _Moves]) -> bool:
    """Tell whether the ruleset that lacks the elements of the moves has others of the address.

    CIDRs of policies do not count: they are there before a pod comes and after it went.
    """
    return any(
        table.has(address)
        for name, table in layout.tables.items()
        if not name.startswith(NETWORKS)
        and not (table.single and name in moves and address in moves[name])
    )
