"""A Program as one address family sees it, for packet filters that have a table for each."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from ....compiler.ir.match import AddressMatch, Icmp6TypeMatch, Match, SetMatch
from ....compiler.ir.program import Chain, Lookup, Map, Program, Rule, Set
from ....compiler.ir.reachability import successors
from ....compiler.net import Family


def of_family(program: Program, family: Family) -> Program:
    """Return the program without what no packet of the family can match or reach.

    Chains of which nothing goes away stay the same objects.
    """
    tables: dict[str, Set | Map] = {**program.sets_by_name(), **program.maps_by_name()}
    chains = {chain.name: _without(chain, tables, family) for chain in program.chains}
    maps = program.maps_by_name()
    reached = _reached(chains, maps)
    return replace(
        program,
        sets=tuple(item for item in program.sets if item.family is family),
        maps=tuple(item for item in program.maps if item.family is family),
        chains=tuple(chain for name, chain in chains.items() if name in reached),
    )


def _without(chain: Chain, tables: Mapping[str, Set | Map], family: Family) -> Chain:
    rules = tuple(rule for rule in chain.rules if _concerns(rule, tables, family))
    return chain.with_rules(rules)


def _concerns(rule: Rule, tables: Mapping[str, Set | Map], family: Family) -> bool:
    if isinstance(rule.verdict, Lookup) and tables[rule.verdict.map].family is not family:
        return False
    return all(_may_hold(match, tables, family) for match in rule.matches)


def _may_hold(match: Match, tables: Mapping[str, Set | Map], family: Family) -> bool:
    match match:
        case AddressMatch(family=own):
            return own is family
        case SetMatch(set=name):
            return tables[name].family is family
        case Icmp6TypeMatch():
            return family is Family.IPV6
        case _:
            return True


def _reached(chains: Mapping[str, Chain], maps: Mapping[str, Map]) -> frozenset[str]:
    reached = {name for name, chain in chains.items() if chain.hook}
    waiting = list(reached)
    while waiting:
        for rule in chains[waiting.pop()].rules:
            found = set(successors(rule.verdict, maps)) - reached
            reached |= found
            waiting += found
    return frozenset(reached)
