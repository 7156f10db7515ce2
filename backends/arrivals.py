"""Changes for addresses that only one of two rulesets knows: pods that came or are gone.

No packet of theirs is judged by elements of both rulesets, so that what changes for them needs no
more than one commit, whatever else changes in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ..compiler.names import NETWORKS
from ..compiler.net import Family, Interval, format_addresses, normalize, parse_interval, subtract
from .changes import TableChange
from .layout import Layout

_MOST_ADDRESSES = 64
"""Each is looked for in all sets, which for so many costs what a second commit does."""


def divide(
    old: Layout, new: Layout, changes: Mapping[str, TableChange]
) -> tuple[list[TableChange], dict[str, TableChange]]:
    """Return what changes for such addresses alone, and all the rest of what changes, by name."""
    moves = {name: _moves(item) for name, item in changes.items()}
    addresses = _only_in_one(old, new, {name: item for name, item in moves.items() if item})
    theirs: list[TableChange] = []
    others: dict[str, TableChange] = {}
    for name, item in changes.items():
        its, rest = _parts(item, moves[name], addresses)
        if its is not None:
            theirs.append(its)
        if rest is not None:
            others[name] = rest
    return theirs, others


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


def _parts(
    change: TableChange, moves: _Moves | None, addresses: set[str]
) -> tuple[TableChange | None, TableChange | None]:
    """Return what of the change is about these addresses, and what about others.

    A change of intervals is not taken apart: an interval has many addresses.
    """
    if moves is None or not addresses:
        return None, change
    if change.new.exact:
        return _about(change, addresses), _about(change, addresses, others=True)
    if addresses.issuperset((*moves.come, *moves.gone)):
        return change, None
    return None, change


def _about(change: TableChange, addresses: set[str], *, others: bool = False) -> TableChange | None:
    def kept(elements: Iterable[str]) -> tuple[str, ...]:
        return tuple(item for item in elements if others is addresses.isdisjoint(_addresses(item)))

    added, removed = kept(change.added), kept(change.removed)
    return replace(change, added=added, removed=removed) if added or removed else None
