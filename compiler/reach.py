"""What of a Program a packet can come to."""

from __future__ import annotations

from msgspec.structs import replace

from .ir import Lookup, Program, SetMatch, successors


def reachable(program: Program) -> Program:
    """Return the program without chains, maps and sets that no hook leads to."""
    chains, maps = program.chains_by_name(), program.maps_by_name()
    reached = {chain.name for chain in program.chains if chain.hook}
    waiting = sorted(reached)
    while waiting:
        for rule in chains[waiting.pop()].rules:
            found = set(successors(rule.verdict, maps)) - reached
            reached |= found
            waiting += sorted(found)
    rules = [rule for name in reached for rule in chains[name].rules]
    used_maps = {rule.verdict.map for rule in rules if isinstance(rule.verdict, Lookup)}
    used_sets = {
        match.set for rule in rules for match in rule.matches if isinstance(match, SetMatch)
    }
    return replace(
        program,
        sets=tuple(item for item in program.sets if item.name in used_sets),
        maps=tuple(item for item in program.maps if item.name in used_maps),
        chains=tuple(chain for chain in program.chains if chain.name in reached),
    )
