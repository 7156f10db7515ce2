"""What the rules of a Program look up: in sets, in maps, and in lists of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from ...compiler.ir.match import (
    AddressMatch,
    Icmp6TypeMatch,
    Key,
    Match,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    StateMatch,
)
from ...compiler.ir.program import Lookup, Map, Program, Rule, Set, Verdict
from ...compiler.net import Interval


class Tables:
    """Finds the set or map that a look-up is made in."""

    def __init__(self, program: Program) -> None:
        """Take the program that has them."""
        self._sets = program.sets_by_name()
        self._maps = program.maps_by_name()

    def of(self, look_up: SetMatch | Lookup) -> Set | Map:
        """Return where the fields are looked up."""
        if isinstance(look_up, SetMatch):
            return self._sets[look_up.set]
        return self._maps[look_up.map]


def look_ups(rule: Rule) -> Iterator[SetMatch | Lookup]:
    """Yield what the rule looks up in sets and maps, in its order."""
    yield from (match for match in rule.matches if isinstance(match, SetMatch))
    if isinstance(rule.verdict, Lookup):
        yield rule.verdict


def entries(table: Set | Map) -> Iterator[tuple[Key, Verdict | None]]:
    """Yield the keys with their verdicts, which are None in a set."""
    if isinstance(table, Set):
        yield from ((key, None) for key in table.elements)
    else:
        yield from ((key, verdict) for verdict, keys in table.groups for key in keys)


def listed(match: Match) -> tuple[Interval, ...]:
    """Return the values that the rule itself lists, of which one must be the packet's.

    Connection states are not values but flags, which are compared at once.
    """
    match match:
        case (
            AddressMatch(intervals=values) | PortMatch(ports=values) | Icmp6TypeMatch(types=values)
        ):
            return values
        case ProtocolMatch(protocols):
            return tuple((protocol, protocol) for protocol in protocols)
        case SetMatch() | StateMatch():
            return ()
        case _:
            assert_never(match)
