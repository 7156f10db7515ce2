"""Rules and changes that hold while sets change over from old to new contents.

A packet reads the generation of the rules once, but that of elements at each look-up. So elements
that decide together can only change together by way of rules. While the elements of A change, a
rule that looks into it is replaced by two: the first looks into A_add, the keys that A will have;
the second into A, for keys that are neither in A_add nor in A_del, the keys that A loses. Both sets
are filled before the rules come, and for whatever key is in neither, A says the same all the time.

A packet of theirs finds elements of one ruleset alone, so that these can change in one commit: if
it looks twice, it may find nothing the first time, and what came the second time. They must be all
that changes: a packet reads the rules first, and old rules would judge it by the new elements.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ...compiler.ir.names import NETWORKS
from ...compiler.net import Family, Interval, format_addresses, normalize, parse_interval, subtract
from .diff import SetChange
from .ruleset import NftChain, NftRuleset, NftSet

_FIELD = "(?:ip6? [sd]addr|meta l4proto|th dport)"
_REFERENCE = re.compile(rf"({_FIELD}(?: \. {_FIELD})*) (vmap )?@([A-Za-z0-9_]+)")
_COMMENT = ' comment "'

_ADD, _KEYS, _DEL, _NEW = "_add", "_addkeys", "_del", "_new"
_SMALLEST = 16


class Overlay:
    """The helping sets for some changes, and the rules that use them."""

    def __init__(self, changes: Mapping[str, SetChange]) -> None:
        """Plan for these sets and maps."""
        self._changes = changes

    def sets(self) -> list[NftSet]:
        """Return the helping sets and maps; those made anew have a full copy."""
        return [item for change in self._changes.values() for item in _helpers(change)]

    def concerns(self, chain: NftChain) -> bool:
        """Tell whether a rule of the chain looks into what changes."""
        return any(name in self._changes for rule in chain.rules for name in references(rule))

    def over(self, chain: NftChain) -> NftChain:
        """Return the chain with rules that mean the new contents."""
        rules = (over for rule in chain.rules for over in self._rules(rule))
        return replace(chain, rules=tuple(rules))

    def _rules(self, rule: str) -> Iterator[str]:
        statement, comment, text = rule.partition(_COMMENT)
        for over in self._expand(statement, 0):
            yield f"{over}{comment}{text}"

    def _expand(self, statement: str, start: int) -> Iterator[str]:
        """Yield the statements for each way in which the look-ups from ``start`` on can succeed."""
        found = _REFERENCE.search(statement, start)
        if found is None:
            yield statement
            return
        change = self._changes.get(found[3])
        if change is None:
            yield from self._expand(statement, found.end())
            return
        before, after = statement[: found.start()], statement[found.end() :]
        for over in _alternatives(found[1], found[2] or "", change):
            yield from self._expand(f"{before}{over}{after}", len(before) + len(over))


def references(rule: str) -> list[str]:
    """Return the names of the sets and maps that a rule looks into."""
    return [found[3] for found in _REFERENCE.finditer(rule.partition(_COMMENT)[0])]


def understood(rule: str) -> bool:
    """Tell whether every look-up of the rule is one that can be replaced."""
    statement = rule.partition(_COMMENT)[0]
    return statement.count("@") == len(references(rule))


def _alternatives(fields: str, vmap: str, change: SetChange) -> Iterator[str]:
    name = change.new.name
    if change.remade:
        yield f"{fields} {vmap}@{name}{_NEW}"
        return
    excluded = ""
    if change.added:
        yield f"{fields} {vmap}@{name}{_ADD}"
        if not vmap:
            excluded = f"{fields} != @{name}{_ADD} "
        elif _comes_back(change):
            excluded = f"{fields} != @{name}{_KEYS} "
    if _lost(change):
        excluded += f"{fields} != @{name}{_DEL} "
    yield f"{excluded}{fields} {vmap}@{name}"


def _helpers(change: SetChange) -> Iterator[NftSet]:
    new = change.new
    if change.remade:
        yield replace(new, name=f"{new.name}{_NEW}")
        return
    if change.added:
        yield _filled(new, _ADD, change.added)
    if new.kind == "map" and _comes_back(change):
        yield _filled(_keys_of(new), _KEYS, [_key(item) for item in change.added])
    if lost := _lost(change):
        yield _filled(_keys_of(new), _DEL, lost)


def _comes_back(change: SetChange) -> bool:
    """Tell whether a packet can come to the next rule although the map has its new verdict."""
    return any(item.partition(" : ")[2].startswith("jump ") for item in change.added)


def _lost(change: SetChange) -> list[str]:
    """Return the keys that are removed and do not come back with another verdict."""
    kept = {_key(item) for item in change.added}
    return [key for item in change.removed if (key := _key(item)) not in kept]


def _key(element: str) -> str:
    return element.partition(" : ")[0]


def _keys_of(table: NftSet) -> NftSet:
    return replace(table, kind="set", head=table.head.replace(" : verdict", "", 1))


def _filled(table: NftSet, suffix: str, elements: list[str] | tuple[str, ...]) -> NftSet:
    size = max(_SMALLEST, 1 << len(elements).bit_length())
    text = ",\n\t\t\t".join(elements)
    return replace(table.resized(size).holding(text), name=table.name + suffix)


_MOST_ADDRESSES = 64
"""Each is looked for in all sets, which for so many costs what a second commit does."""


def come_or_go(old: NftRuleset, new: NftRuleset, changes: Mapping[str, SetChange]) -> bool:
    """Tell whether all that changes in sets and maps is about such addresses."""
    moves = {name: found for name, item in changes.items() if (found := _moves(item))}
    if len(moves) < len(changes):
        return False
    addresses = _only_in_one(old, new, moves)
    return all(_is_about(item, moves[name], addresses) for name, item in changes.items())


def _is_about(change: SetChange, moves: _Moves, addresses: set[str]) -> bool:
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


def _moves(change: SetChange) -> _Moves | None:
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


def _only_in_one(old: NftRuleset, new: NftRuleset, moves: Mapping[str, _Moves]) -> set[str]:
    added = {address for item in moves.values() for address in item.come}
    removed = {address for item in moves.values() for address in item.gone}
    come, gone = added - removed, removed - added
    if len(come) + len(gone) > _MOST_ADDRESSES:
        return set()
    found = {address for address in come if not _knows(old, address, moves)}
    return found | {address for address in gone if not _knows(new, address, moves)}


def _knows(layout: NftRuleset, address: str, moves: Mapping[str, _Moves]) -> bool:
    """Tell whether the ruleset that lacks the elements of the moves has others of the address.

    CIDRs of policies do not count: they are there before a pod comes and after it went.
    """
    return any(
        table.has(address)
        for name, table in layout.sets.items()
        if not name.startswith(NETWORKS)
        and not (table.single and name in moves and address in moves[name])
    )
