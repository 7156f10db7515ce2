"""What of a Program a packet can come to."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from .ir import Lookup, Map, Program, Rule, SetMatch, Terminal, successors
from .net import Family


def reachable(program: Program) -> Program:
    """Return the program without chains, maps and sets that no hook leads to."""
    chains, maps = program.chains_by_name(), program.maps_by_name()
    reached = {chain.name for chain in program.chains if chain.hook}
    used_sets: set[str] = set()
    used_maps: set[str] = set()
    waiting = list(reached)
    while waiting:
        for rule in chains[waiting.pop()].rules:
            for match in rule.matches:
                if isinstance(match, SetMatch):
                    used_sets.add(match.set)
            if isinstance(rule.verdict, Terminal):
                continue
            if isinstance(rule.verdict, Lookup):
                used_maps.add(rule.verdict.map)
            found = set(successors(rule.verdict, maps)) - reached
            reached |= found
            waiting += found
    sets = tuple([item for item in program.sets if item.name in used_sets])
    used = tuple([item for item in program.maps if item.name in used_maps])
    left = tuple([chain for chain in program.chains if chain.name in reached])
    return replace(program, sets=sets, maps=used, chains=left)


def families_of_chains(program: Program) -> Mapping[str, frozenset[Family]]:
    """Return of which families packets may come to each chain, going by the maps on the way."""
    chains, maps = program.chains_by_name(), program.maps_by_name()
    both = frozenset(Family)
    found = {chain.name: both if chain.hook else frozenset[Family]() for chain in program.chains}
    waiting = [name for name, families in found.items() if families]
    while waiting:
        name = waiting.pop()
        for rule in chains[name].rules:
            families = found[name] & _families(rule, maps)
            for target in successors(rule.verdict, maps):
                if not families <= found[target]:
                    found[target] |= families
                    waiting.append(target)
    return found


def _families(rule: Rule, maps: Mapping[str, Map]) -> frozenset[Family]:
    if isinstance(rule.verdict, Lookup):
        return frozenset({maps[rule.verdict.map].family})
    return frozenset(Family)
