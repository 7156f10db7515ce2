"""Which pods a ruleset treats alike: those whose addresses it knows in the same places."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from ...compiler.ir.match import AddressMatch, Field, Key, SetMatch
from ...compiler.ir.program import Lookup, Program, Verdict
from ...compiler.net import Family, Interval
from .lookups import Tables, entries, look_ups

_Test = AddressMatch | SetMatch | Lookup


class PodClasses:
    """For the addresses of a family in one field: where each stands in what rules compare."""

    def __init__(self, program: Program, family: Family, field: Field) -> None:
        """Index everything that some rule compares the field with."""
        self._exact: dict[int, list[Hashable]] = {}
        self._ranges: list[tuple[Interval, Hashable]] = []
        self._tables = Tables(program)
        for number, test in enumerate(dict.fromkeys(_tests(program))):
            fields, compared = self._compared(test, family)
            if field in fields:
                self._add(number, fields.index(field), compared)

    def of(self, address: int) -> Hashable:
        """Return what is equal for addresses that no rule tells apart by this field."""
        around = (mark for (low, high), mark in self._ranges if low <= address <= high)
        return (*self._exact.get(address, ()), *around)

    def _compared(
        self, test: _Test, family: Family
    ) -> tuple[tuple[Field, ...], Iterable[tuple[Key, Verdict | None]]]:
        """Return what is compared, and with what; no fields where it is of the other family."""
        if isinstance(test, AddressMatch):
            fields = (test.field,) if test.family is family else ()
            return fields, (((interval,), None) for interval in test.intervals)
        table = self._tables.of(test)
        return test.fields if table.family is family else (), entries(table)

    def _add(self, test: int, part: int, compared: Iterable[tuple[Key, Verdict | None]]) -> None:
        for key, verdict in compared:
            low, high = key[part]
            mark = (test, key[:part], key[part + 1 :], verdict)
            if low == high:
                self._exact.setdefault(low, []).append(mark)
            else:
                self._ranges.append(((low, high), mark))


def _tests(program: Program) -> Iterator[_Test]:
    for chain in program.chains:
        for rule in chain.rules:
            yield from (match for match in rule.matches if isinstance(match, AddressMatch))
            yield from look_ups(rule)
