"""The difference of two rulesets for people: policies first, then sets, then rules."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from ...backends.changes import Changes, TableChange
from ...backends.layout import Chain, Layout, Table
from .counts import count

_POLICY = "  "
_MOST = 20


def lines(changes: Changes, old: Layout, new: Layout) -> Iterator[str]:
    """Yield what a person reads; nothing where the rulesets say the same."""
    yield from _policies(old.header, new.header)
    for table in changes.tables_removed.values():
        yield f"- {_name(table)}, {count(len(table), 'element')}"
    for table in changes.tables_added.values():
        yield f"+ {_name(table)}, {count(len(table), 'element')}"
    for change in changes.tables.values():
        yield from _table(change)
    for chain in changes.chains_removed.values():
        yield from _chain(chain.name, chain.rules, ())
    for chain in changes.chains_added.values():
        yield from _chain(chain.name, (), chain.rules)
    for name, chain in changes.chains.items():
        yield from _changed(old.chains[name], chain)


def policies(header: Iterable[str]) -> list[str]:
    """Return the policies in force that a ruleset's leading comment names."""
    return [line.removeprefix(_POLICY) for line in header if line.startswith(_POLICY)]


def _policies(old: Iterable[str], new: Iterable[str]) -> Iterator[str]:
    before, after = policies(old), policies(new)
    yield from (f"- {name}" for name in before if name not in after)
    yield from (f"+ {name}" for name in after if name not in before)


def _table(change: TableChange) -> Iterator[str]:
    if change.remade:
        old, new = (count(len(item), "element") for item in (change.old, change.new))
        yield f"~ {_name(change.new)}: made anew, {old} before, {new} after"
        return
    yield f"~ {_name(change.new)}: +{len(change.added)} -{len(change.removed)}"
    yield from _shortened("-", change.removed)
    yield from _shortened("+", change.added)


def _shortened(sign: str, elements: tuple[str, ...]) -> Iterator[str]:
    yield from (f"    {sign} {item}" for item in elements[:_MOST])
    if len(elements) > _MOST:
        yield f"    {sign} ... {len(elements) - _MOST:,} more"


def _changed(old: Chain, new: Chain) -> Iterator[str]:
    if old.hook != new.hook:
        yield f"~ chain {new.name}: {old.hook or 'no hook'} -> {new.hook or 'no hook'}"
    yield from _chain(new.name, old.rules, new.rules)


def _chain(name: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
    sign = "~" if old and new else "+" if new else "-"
    yield f"{sign} chain {name}"
    for line in difflib.ndiff(old, new):
        if line[0] in "+-":
            yield f"    {line}"


def _name(table: Table) -> str:
    return f"{table.kind} {table.name}" + (f" ({table.note})" if table.note else "")
