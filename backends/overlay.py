"""Rules that already mean the new contents of sets, whatever is in the sets themselves.

A packet reads the generation of the rules once, but that of elements at each look-up. So elements
that decide together can only change together by way of rules. While the elements of A change, a
rule that looks into it is replaced by two: the first looks into A_add, the keys that A will have;
the second into A, for keys that are neither in A_add nor in A_del, the keys that A loses. Both sets
are filled before the rules come, and for whatever key is in neither, A says the same all the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from .changes import TableChange
from .layout import Chain, Table

_FIELD = "(?:ip6? [sd]addr|meta l4proto|th dport)"
_REFERENCE = re.compile(rf"({_FIELD}(?: \. {_FIELD})*) (vmap )?@([A-Za-z0-9_]+)")
_COMMENT = ' comment "'

_ADD, _KEYS, _DEL, _NEW = "_add", "_addkeys", "_del", "_new"
_SMALLEST = 16


class Overlay:
    """The helping sets for some changes, and the rules that use them."""

    def __init__(self, changes: Mapping[str, TableChange]) -> None:
        """Plan for these sets and maps."""
        self._changes = changes

    def tables(self) -> list[Table]:
        """Return the helping sets and maps; those made anew have a full copy."""
        return [item for change in self._changes.values() for item in _helpers(change)]

    def concerns(self, chain: Chain) -> bool:
        """Tell whether a rule of the chain looks into what changes."""
        return any(name in self._changes for rule in chain.rules for name in references(rule))

    def over(self, chain: Chain) -> Chain:
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


def _alternatives(fields: str, vmap: str, change: TableChange) -> Iterator[str]:
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


def _helpers(change: TableChange) -> Iterator[Table]:
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


def _comes_back(change: TableChange) -> bool:
    """Tell whether a packet can come to the next rule although the map has its new verdict."""
    return any(item.partition(" : ")[2].startswith("jump ") for item in change.added)


def _lost(change: TableChange) -> list[str]:
    """Return the keys that are removed and do not come back with another verdict."""
    kept = {_key(item) for item in change.added}
    return [key for item in change.removed if (key := _key(item)) not in kept]


def _key(element: str) -> str:
    return element.partition(" : ")[0]


def _keys_of(table: Table) -> Table:
    return replace(table, kind="set", head=table.head.replace(" : verdict", "", 1))


def _filled(table: Table, suffix: str, elements: list[str] | tuple[str, ...]) -> Table:
    size = max(_SMALLEST, 1 << len(elements).bit_length())
    text = ",\n\t\t\t".join(elements)
    return replace(table.resized(size).holding(text), name=table.name + suffix)
