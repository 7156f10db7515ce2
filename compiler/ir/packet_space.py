"""The packets that the rules of one chain tell apart, as bits: peers one way, services the other.

A service is a protocol and a port, on one line of numbers, so that both ways are intervals. The
ends of all intervals in use cut each line into pieces, and a rule matches whole pieces only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from ..bitset import mask_of
from ..net import MAX_PORT, Family, Interval
from .match import AddressMatch, Field, KeyType, PortMatch, SetMatch
from .program import Chain, Rule, Set

_REMEMBERED = 8192
_PORTS = MAX_PORT + 1
LAST_SERVICE = 256 * _PORTS - 1
ANY_SERVICE: tuple[Interval, ...] = ((0, LAST_SERVICE),)


class Test(Struct, frozen=True):
    """What a rule tests: peers by intervals or, where None, any; services by intervals.

    ``peers`` of a dynamic set are unknown. ``exact`` are those that list single addresses only.
    """

    peers: tuple[Interval, ...] | None
    services: tuple[Interval, ...]
    unknown: bool = False
    exact: bool = False


def read_test(rule: Rule, field: Field, family: Family, sets: Mapping[str, Set]) -> Test | None:
    """Return what the rule tests, if that is an address in the field, services, or both."""
    peers: tuple[Interval, ...] | None = None
    services = ANY_SERVICE
    unknown = exact = False
    for match in rule.matches:
        if isinstance(match, PortMatch) and services is ANY_SERVICE:
            services = services_of(match)
        elif peers is not None or unknown:
            return None
        elif isinstance(match, AddressMatch) and (match.field, match.family) == (field, family):
            peers, exact = match.intervals, is_exact(match.intervals)
        elif isinstance(match, SetMatch) and match.fields == (field,):
            found = sets[match.set]
            if found.family is not family:
                return None
            unknown = found.dynamic
            peers = None if unknown else addresses_of(found)
            exact = lists_addresses(found)
        else:
            return None
    return Test(peers, services, unknown, exact)


def is_test_and_default(rules: Sequence[Rule]) -> bool:
    """Tell whether a chain is of the most usual form: a default, behind one other rule at most."""
    return 1 <= len(rules) <= 2 and not rules[-1].matches  # noqa: PLR2004 - as the docstring says


def sets_of(chain: Chain, sets: Mapping[str, Set]) -> tuple[Set, ...]:
    """Return the sets that the chain's rules name: with them a chain says what it means."""
    matches = (match for rule in chain.rules for match in rule.matches)
    names = dict.fromkeys(match.set for match in matches if isinstance(match, SetMatch))
    return tuple(sets[name] for name in names)


@lru_cache(_REMEMBERED)
def addresses_of(item: Set) -> tuple[Interval, ...]:
    """Return the elements of a set of addresses."""
    return tuple(interval for (interval,) in item.elements)


def is_exact(addresses: Iterable[Interval]) -> bool:
    """Tell whether the list holds single addresses only."""
    return all(low == high for low, high in addresses)


@lru_cache(_REMEMBERED)
def lists_addresses(item: Set) -> bool:
    """Tell whether the set is a list of single addresses."""
    return item.key == (KeyType.ADDRESS,) and not item.dynamic and is_exact(addresses_of(item))


def services_of(match: PortMatch) -> tuple[Interval, ...]:
    """Return the protocol's ports as services; every packet of it, where any port will do."""
    base = match.protocol * _PORTS
    return tuple((base + low, base + high) for low, high in match.ports)


class Segments:
    """A line of numbers cut into pieces; a mask has a bit for each piece."""

    def __init__(self, cuts: Iterable[int]) -> None:
        """Cut the line ahead of each number; the first piece begins at 0."""
        self._starts = sorted({0, *cuts})
        self.pieces = len(self._starts)
        self._places = {start: place for place, start in enumerate(self._starts)}
        self._masks: dict[int, tuple[tuple[Interval, ...], int]] = {}
        self.all = (1 << self.pieces) - 1

    def place(self, number: int) -> int:
        """Return the piece that holds the number."""
        return bisect_right(self._starts, number) - 1

    def start(self, place: int) -> int:
        """Return the first number of a piece."""
        return self._starts[place]

    def interval(self, place: int, last: int) -> Interval | None:
        """Return the numbers of a piece up to the last that counts, if there are any."""
        low = self._starts[place]
        end = self._starts[place + 1] - 1 if place + 1 < self.pieces else last
        return (low, min(end, last)) if low <= last else None

    def mask(self, intervals: tuple[Interval, ...]) -> int:
        """Return the pieces of intervals whose ends are among the cuts, or end the line."""
        known = self._masks.get(id(intervals))
        if known is None:
            known = self._masks[id(intervals)] = (intervals, self._mask(intervals))
        return known[1]

    def _mask(self, intervals: tuple[Interval, ...]) -> int:
        places = self._places
        single: list[int] = []
        wide = 0
        for low, high in intervals:
            first, end = places[low], places.get(high + 1, self.pieces)
            if end == first + 1:
                single.append(first)
            else:
                wide |= (1 << end) - (1 << first)
        return wide | mask_of(single, self.pieces)


def ends(intervals: Iterable[Interval]) -> Iterable[int]:
    """Return where a line has to be cut for these intervals."""
    for low, high in intervals:
        yield low
        yield high + 1
