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

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import lru_cache

from msgspec.structs import replace

from ..costs import SHORTEST_SET
from ..ir import AddressMatch, Chain, Goto, Match, PortMatch, Program, Rule, SetMatch, Terminal
from ..net import intersect, normalize
from ..space import is_test_and_default

_REMEMBERED = 8192
_FARTHEST = 16
"""How many rules of other verdicts a rule may be moved across: each has to be looked at."""


def merge(program: Program) -> Program:
    """Return the program with disjoint networks, joined port intervals, and fewer rules."""
    chains = tuple(
        [
            chain if chain.hook or _is_plain(chain.rules) else chain.or_made(_merge(chain))
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
def _merge(chain: Chain) -> Chain:
    """Join until nothing more joins: what became one by its ports may do so by its networks."""
    rules = chain.rules
    while True:
        joined = _join(_join(rules, _but_ports, _with_ports), _but_networks, _with_networks)
        if len(joined) == len(rules):
            listed = tuple(part for rule in joined for part in _split(rule))
            return chain.with_rules(listed)
        rules = joined


_KeyOf = Callable[[Rule], Hashable]
_Joined = Callable[[Rule, Rule], Rule]


def _join(rules: tuple[Rule, ...], key_of: _KeyOf, joined: _Joined) -> tuple[Rule, ...]:
    """Return the rules, each within the first of its key that nothing between forbids."""
    made: list[Rule] = []
    places: dict[Hashable, int] = {}
    run = 0  # where the rules of the last verdict began
    for rule in rules:
        key = key_of(rule) if _is_final(rule) else None
        if made and made[-1].verdict != rule.verdict:
            run = len(made)
        place = None if key is None else places.get(key)
        if place is not None and (place >= run or _may_pass(rule, made[place + 1 :])):
            made[place] = joined(made[place], rule)
            continue
        if key is not None:
            places[key] = len(made)
        made.append(rule)
    return tuple(made)


def _is_final(rule: Rule) -> bool:
    return isinstance(rule.verdict, Terminal | Goto)


def _may_pass(rule: Rule, others: Sequence[Rule]) -> bool:
    """Tell whether the rule means the same when it stands ahead of the others."""
    differing = [other for other in others if other.verdict != rule.verdict]
    return len(differing) <= _FARTHEST and all(_disjoint(rule, other) for other in differing)


def _disjoint(rule: Rule, other: Rule) -> bool:
    """Tell whether no packet matches both, as far as it can be seen without a look into sets."""
    return any(_exclude(mine, its) for mine in rule.matches for its in other.matches)


def _exclude(mine: Match, its: Match) -> bool:
    match mine, its:
        case PortMatch(), PortMatch():
            return mine.protocol is not its.protocol or not intersect(mine.ports, its.ports)
        case AddressMatch(), AddressMatch() if mine.field is its.field:
            return mine.family is not its.family or not intersect(mine.intervals, its.intervals)
        case _:
            return False


def _but_ports(rule: Rule) -> Hashable:
    """Return all that must be equal for rules to be joined by ports; None where there are none."""
    match rule.matches:
        case (PortMatch(protocol, _),):
            return rule.verdict, protocol
        case (AddressMatch() | SetMatch() as peer, PortMatch(protocol, _)):
            return rule.verdict, peer, protocol
        case _:
            return None


def _with_ports(rule: Rule, other: Rule) -> Rule:
    return _replace(rule, other, -1, _union(rule.matches[-1], other.matches[-1]))


def _but_networks(rule: Rule) -> Hashable:
    """Return all that must be equal for rules to be joined by networks; None where none are."""
    match rule.matches:
        case (AddressMatch(field, family, _), *rest):
            return rule.verdict, field, family, tuple(rest)
        case _:
            return None


def _with_networks(rule: Rule, other: Rule) -> Rule:
    return _replace(rule, other, 0, _union(rule.matches[0], other.matches[0]))


def _union(mine: Match, its: Match) -> Match:
    match mine, its:
        case PortMatch(protocol, ports), PortMatch(ports=others):
            return PortMatch(protocol, normalize((*ports, *others)))
        case AddressMatch(field, family, intervals), AddressMatch(intervals=others):
            return AddressMatch(field, family, normalize((*intervals, *others)))
        case _:
            raise AssertionError("only ports and networks are joined")


def _replace(rule: Rule, other: Rule, index: int, match: Match) -> Rule:
    matches = list(rule.matches)
    matches[index] = match
    origins = tuple(dict.fromkeys((*rule.origins, *other.origins)))
    return replace(rule, matches=tuple(matches), origins=origins)


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
