"""A chain as a look-up of protocol and port, and the few rules that are left for each.

Most rules are about single ports, and most ports about few peers. A look-up among the ports of one
chain, and then in the sets of peers that the rules name anyway, touches less memory than one among
all pods and ports that a peer may use; a peer or a pod that comes or goes is one element.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from ..ir.match import AddressMatch, Match, PortMatch, SetMatch
from ..ir.program import Chain, Goto, Lookup, Program, Rule, Terminal, Verdict
from ..ir.reachability import families_of_chains
from ..ir.specialize import rule_within
from ..net import Family, Protocol
from .cost_model import LONGEST_RANGE, MOST_PORT_MAPS, SHORTEST_SET, scan, scan_by_port, takes_long

_REMEMBERED = 8192
_LONGEST = 8
"""How many rules may be left for a port in the mean at most: they are written anew for each."""

ProtocolPort = tuple[Protocol, int]


class PortPlan(Struct, frozen=True, eq=False):
    """The rules that a packet to each service meets, and ``rest`` for those to all others.

    ``saved`` are the nanoseconds by which a new connection costs less, in the mean.
    """

    rules: Mapping[ProtocolPort, tuple[Rule, ...]]
    rest: tuple[Rule, ...]
    saved: float


@lru_cache(_REMEMBERED)
def port_plan(chain: Chain) -> PortPlan | None:
    """Return the form of a chain; None where it would not be quicker, or too large."""
    plain = _scan(chain.rules)
    if not takes_long(plain):
        return None
    wide, places = _places(chain.rules)
    left = sum(map(len, places.values())) + len(wide) * len(places)
    if not places or left > _LONGEST * len(places):
        return None
    lists = {
        service: _left(chain, sorted((*own, *wide)), service)
        for service, own in sorted(places.items())
    }
    rest = tuple(chain.rules[place] for place in wide)
    saved = plain - scan_by_port([*map(_scan, lists.values()), *_scans(rest)])
    return PortPlan(lists, rest, saved) if saved > 0 else None


def port_plans(program: Program) -> Mapping[str, tuple[PortPlan, Family]]:
    """Return the forms of the chains that may have a map of their ports, by the chains' names.

    A map is for one family, and so must be the packets that come to the chain. None of a family
    have one where that would be too many.
    """
    # No rule takes longer than a look-up, and what begins with one needs no other.
    long = [
        chain
        for chain in program.chains
        if chain.hook is None
        and takes_long(scan(len(chain.rules), 0))
        and not any(isinstance(rule.verdict, Lookup) for rule in chain.rules[:1])
    ]
    forms = {chain.name: form for chain in long if (form := port_plan(chain))}
    families = families_of_chains(program) if forms else {}
    found = {
        family: {name: (form, family) for name, form in forms.items() if families[name] == {family}}
        for family in Family
    }
    few = (of_family for of_family in found.values() if len(of_family) <= MOST_PORT_MAPS)
    return {name: each for of_family in few for name, each in of_family.items()}


def final_verdict(rule: Rule) -> Verdict | None:
    """Return the verdict of a rule that no packet gets behind; None for other rules."""
    match rule:
        case Rule(matches=(), verdict=Terminal() | Goto() as verdict):
            return verdict
        case _:
            return None


def _scan(rules: Sequence[Rule]) -> float:
    looked_up = sum(any(map(_is_look_up, rule.matches)) for rule in rules)
    return scan(looked_up, len(rules) - looked_up)


def _scans(rest: Sequence[Rule]) -> Sequence[float]:
    """Return the nanoseconds of what a rule of the rest is about, for each as for one service."""
    return [_scan(rest)] * sum(final_verdict(rule) is None for rule in rest)


def _is_look_up(match: Match) -> bool:
    match match:
        case SetMatch():
            return True
        case AddressMatch(intervals=intervals):
            return len(intervals) >= SHORTEST_SET
        case _:
            return False


def _places(rules: Iterable[Rule]) -> tuple[Sequence[int], Mapping[ProtocolPort, Sequence[int]]]:
    """Return where rules stand that are about more than a few ports, and those about each port."""
    wide: list[int] = []
    places: dict[ProtocolPort, list[int]] = {}
    for place, rule in enumerate(rules):
        services = _services(rule)
        for service in services:
            places.setdefault(service, []).append(place)
        if not services:
            wide.append(place)
    return wide, places


def _services(rule: Rule) -> Sequence[ProtocolPort]:
    """Return the services that a rule is about; none if they are too many, or any."""
    asked = [match for match in rule.matches if isinstance(match, PortMatch)]
    if len(asked) != 1 or any(high - low >= LONGEST_RANGE for low, high in asked[0].ports):
        return ()
    (match,) = asked
    return [(match.protocol, port) for low, high in match.ports for port in range(low, high + 1)]


def _left(chain: Chain, places: Iterable[int], service: ProtocolPort) -> tuple[Rule, ...]:
    """Return what the rules at the places are to packets to the service.

    They are no policy's any more, so that chains that do the same can be one.
    """
    protocol, port = service
    left: list[Rule] = []
    for place in places:
        found = rule_within(chain.rules[place], protocol, (port, port))
        if found is not None:
            left.append(Rule(found.matches, found.verdict))
            if final_verdict(found) is not None:
                break
    return _without_needless(left)


def _without_needless(rules: list[Rule]) -> tuple[Rule, ...]:
    """Return the rules without those that say what the last says of all packets anyway."""
    *others, last = rules
    verdict = final_verdict(last)
    while verdict is not None and others and others[-1].verdict == verdict:
        others.pop()
    return (*others, last)
