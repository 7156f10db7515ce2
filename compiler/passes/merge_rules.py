"""Join rules of one verdict that differ only in their ports, or only in their networks.

What is a short list then becomes a rule for each of its items: a look into an anonymous set costs
as much as a few rules, and sets are what takes long to load.

Before:

    program "n"

    chain c {
      saddr 10.0.0.0-10.0.0.127 tcp 80 return
      saddr 10.0.0.128-10.0.0.255 tcp 80 return
      saddr 10.0.0.0-10.0.0.255 tcp 81-90 return
      drop
    }

    chain forward hook forward {
      jump c
    }

After:

    program "n"

    chain c {
      saddr 10.0.0.0-10.0.0.255 tcp 80-90 return
      drop
    }

    chain forward hook forward {
      jump c
    }
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache, partial

from msgspec.structs import replace

from ..interval_union import IntervalUnion, overlap
from ..ir.match import AddressMatch, Match, Origin, PortMatch, SetMatch
from ..ir.names import NETWORKS
from ..ir.packet_space import addresses_of, is_test_and_default, sets_of
from ..ir.program import Chain, Goto, Lookup, Program, Rule, Set, Terminal, Verdict
from ..net import Interval
from .cost_model import SHORTEST_SET

_REMEMBERED = 8192
_PORTS, _NETWORKS = -1, 0  # where in a rule's matches
_FARTHEST = 16
"""How many rules of other verdicts a rule may be moved across: each has to be looked at."""


def merge(program: Program) -> Program:
    """Return the program with disjoint networks, joined port intervals, and fewer rules."""
    sets = program.sets_by_name()
    chains = tuple(
        [
            chain
            if chain.hook or _is_plain(chain.rules)
            else chain.keep_if_equal(_merge(chain, sets_of(chain, sets)))
            for chain in program.chains
        ]
    )
    return program if chains == program.chains else replace(program, chains=chains)


def _is_plain(rules: Sequence[Rule]) -> bool:
    """Tell at a glance of the most usual chains that nothing joins."""
    if not is_test_and_default(rules):
        return False
    for match in rules[0].matches:
        if isinstance(match, AddressMatch):
            if len(match.intervals) > 1:
                return False
        elif not isinstance(match, SetMatch) and not _is_single(match):
            return False
    return True


@lru_cache(_REMEMBERED)
def _merge(chain: Chain, sets: tuple[Set, ...]) -> Chain:
    """Join until nothing more joins: what became one by its ports may do so by its networks."""
    rules = chain.rules
    networks = {item.name: item for item in sets if item.name.startswith(NETWORKS)}
    by_networks = partial(_but_networks, networks)
    while True:
        joined = _join(_join(rules, _but_ports, _PORTS, networks), by_networks, _NETWORKS, networks)
        if len(joined) == len(rules):
            listed = tuple(part for rule in joined for part in _split(rule))
            return chain.with_rules(listed)
        rules = joined


_KeyOf = Callable[[Rule], Hashable]
_Sets = Mapping[str, Set]
"""Sets of networks by name: what they hold depends on policies alone, and may be joined."""


def _join(rules: tuple[Rule, ...], key_of: _KeyOf, index: int, networks: _Sets) -> tuple[Rule, ...]:
    """Return the rules, each within the first of its key that nothing between forbids.

    Rules of one key differ in nothing but the intervals of the match at the index.
    """
    joined: list[_Joined] = []
    first_of_key: dict[Hashable, int] = {}
    positions: dict[Verdict | Lookup, list[int]] = {}
    for rule in rules:
        key = key_of(rule) if _is_final(rule) else None
        first = None if key is None else first_of_key.get(key)
        mine = _Joined(rule, index, networks)
        if first is not None and _may_move(mine, first, joined, positions):
            joined[first].add(mine)
            continue
        if key is not None:
            first_of_key[key] = len(joined)
        positions.setdefault(rule.verdict, []).append(len(joined))
        joined.append(mine)
    return tuple([item.rule() for item in joined])


class _Joined:
    """One rule made of several, whose intervals are put together once, when all are known."""

    __slots__ = ("_first", "_index", "_networks", "_origins", "_union")

    def __init__(self, rule: Rule, index: int, networks: _Sets) -> None:
        """Begin with one rule; the match at the index is that in which others may differ."""
        self._first = rule
        self._index = index
        self._networks = networks
        self._union: IntervalUnion | None = None
        self._origins: dict[Origin, None] | None = None

    def add(self, other: _Joined) -> None:
        """Add a rule that differs in the intervals at the index alone."""
        if self._union is None or self._origins is None:
            self._union = IntervalUnion(self._intervals(self._first))
            self._origins = dict.fromkeys(self._first.origins)
        self._union.add(self._intervals(other._first))
        self._origins.update(dict.fromkeys(other._first.origins))

    def _intervals(self, rule: Rule) -> tuple[Interval, ...]:
        return _intervals(_resolve(rule.matches[self._index], self._networks))

    def excludes(self, rule: Rule) -> bool:
        """Return whether no packet matches both, as far as that shows without reading sets."""
        last = len(self._first.matches) - 1
        changed = None if self._union is None else self._index % (last + 1)
        return any(
            _exclude(
                _resolve(mine, self._networks),
                _resolve(its, self._networks),
                self._union if position == changed else None,
            )
            for position, mine in enumerate(self._first.matches)
            for its in rule.matches
        )

    def rule(self) -> Rule:
        """Return the one rule."""
        if self._union is None or self._origins is None:
            return self._first
        matches = list(self._first.matches)
        match = _resolve(matches[self._index], self._networks)
        matches[self._index] = _with_intervals(match, self._union.intervals())
        return replace(self._first, matches=tuple(matches), origins=tuple(self._origins))


def _is_final(rule: Rule) -> bool:
    return isinstance(rule.verdict, Terminal | Goto)


def _may_move(
    mine: _Joined,
    first: int,
    joined: Sequence[_Joined],
    positions: Mapping[Verdict | Lookup, Sequence[int]],
) -> bool:
    """Return whether a rule means the same where the first of its key stands."""
    rule = mine.rule()
    crossed: list[int] = []
    for verdict, places in positions.items():
        if verdict != rule.verdict:
            crossed += places[bisect_right(places, first) :][: _FARTHEST + 1]
    return len(crossed) <= _FARTHEST and all(joined[place].excludes(rule) for place in crossed)


def _exclude(mine: Match, its: Match, union: IntervalUnion | None) -> bool:
    """Return whether no packet matches both; the union, if given, is that of my intervals."""
    match mine, its:
        case PortMatch(), PortMatch():
            if mine.protocol is not its.protocol:
                return True
        case AddressMatch(), AddressMatch() if mine.field is its.field:
            if mine.family is not its.family:
                return True
        case _:
            return False
    theirs = _intervals(its)
    return not (union.overlaps(theirs) if union else overlap(_intervals(mine), theirs))


def _but_ports(rule: Rule) -> Hashable:
    """Return all that must be equal for rules to be joined by ports; None where there are none."""
    match rule.matches:
        case (PortMatch(protocol, _),):
            return rule.verdict, protocol
        case (AddressMatch() | SetMatch() as peer, PortMatch(protocol, _)):
            return rule.verdict, peer, protocol
        case _:
            return None


def _but_networks(networks: _Sets, rule: Rule) -> Hashable:
    """Return all that must be equal for rules to be joined by networks; None where none are."""
    match rule.matches:
        case (AddressMatch(field, family, _), *rest):
            return rule.verdict, field, family, tuple(rest)
        case (SetMatch((field,), name), *rest) if name in networks:
            return rule.verdict, field, networks[name].family, tuple(rest)
        case _:
            return None


def _resolve(match: Match, networks: _Sets) -> Match:
    """Return a look into a set of networks as a test of them, any other match as it is."""
    match match:
        case SetMatch((field,), name) if name in networks:
            return AddressMatch(field, networks[name].family, addresses_of(networks[name]))
        case _:
            return match


def _intervals(match: Match) -> tuple[Interval, ...]:
    match match:
        case PortMatch(ports=intervals) | AddressMatch(intervals=intervals):
            return intervals
        case _:
            raise AssertionError("only ports and networks are joined")


def _with_intervals(match: Match, intervals: tuple[Interval, ...]) -> Match:
    match match:
        case PortMatch(protocol, _):
            return PortMatch(protocol, intervals)
        case AddressMatch(field, family, _):
            return AddressMatch(field, family, intervals)
        case _:
            raise AssertionError("only ports and networks are joined")


def _split(rule: Rule) -> Iterable[Rule]:
    """Yield a rule for each item of a list that is too short for a set of its own."""
    match rule.matches:
        case (AddressMatch() as peer, PortMatch(protocol, ports)) if len(peer.intervals) == 1:
            tests: list[tuple[Match, ...]] = [
                (peer, PortMatch(protocol, (item,))) for item in ports
            ]
        case (AddressMatch(field, family, intervals), *rest) if all(map(_is_single, rest)):
            tests = [(AddressMatch(field, family, (item,)), *rest) for item in intervals]
        case (PortMatch(protocol, ports),):
            tests = [(PortMatch(protocol, (item,)),) for item in ports]
        case _:
            return (rule,)
    if not 1 < len(tests) < SHORTEST_SET:
        return (rule,)
    return (replace(rule, matches=matches) for matches in tests)


def _is_single(match: Match) -> bool:
    return isinstance(match, PortMatch) and len(match.ports) == 1
