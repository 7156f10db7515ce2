"""Which pods a ruleset treats alike: those whose addresses it knows in the same places."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from ..compiler.net import Interval
from .nft_text import Table, Test, Text, parse_values


class Marks:
    """For one address field: where each address stands in what the field is looked up in."""

    def __init__(self, text: Text, field: str) -> None:
        """Index every table that some rule looks the field up in."""
        self._exact: dict[int, list[Hashable]] = {}
        self._ranges: list[tuple[Interval, Hashable]] = []
        for test in dict.fromkeys(_tests(text)):
            if field in test.fields:
                self._add(test, test.fields.index(field), text)

    def of(self, address: int) -> Hashable:
        """Return what is equal for addresses that no rule tells apart by this field."""
        around = (mark for (low, high), mark in self._ranges if low <= address <= high)
        return (*self._exact.get(address, ()), *around)

    def _add(self, test: Test, part: int, text: Text) -> None:
        for key, verdict in _entries(test, text):
            low, high = key[part]
            mark = (test.table or test.value, test.fields, key[:part], key[part + 1 :], verdict)
            if low == high:
                self._exact.setdefault(low, []).append(mark)
            else:
                self._ranges.append(((low, high), mark))


def _tests(text: Text) -> Iterator[Test]:
    for chain in text.chains.values():
        for rule in chain.rules:
            yield from rule.tests


def _entries(test: Test, text: Text) -> Iterable[tuple[tuple[Interval, ...], str]]:
    if test.table is None:
        return [((interval,), "") for interval in parse_values(test)]
    table = test.table if isinstance(test.table, Table) else text.tables[test.table]
    return table.entries()
