"""What of a Program a packet can come to."""

from __future__ import annotations

from msgspec.structs import replace

from .ir import Lookup, Program, SetMatch, Terminal, successors


def reachable(program: Program) -> Program:
    """Return the program without chains, maps and sets that no hook leads to."""
    chains, maps = program.chains_by_name(), program.maps_by_name()
    reached = {chain.name for chain in program.chains if chain.hook}
    waiting = sorted(reached)
    while waiting:
        for rule in chains[waiting.pop()].rules:
            if isinstance(rule.verdict, Terminal):
                continue
            found = set(successors(rule.verdict, maps)) - reached
            reached |= found
            waiting += sorted(found)
    rules = [rule for name in reached for rule in chains[name].rules]
    used_maps = {rule.verdict.map for rule in rules if isinstance(rule.verdict, Lookup)}
    used_sets = {
        match.set for rule in rules for match in rule.matches if isinstance(match, SetMatch)
    }
    sets = tuple([item for item in program.sets if item.name in used_sets])
    used = tuple([item for item in program.maps if item.name in used_maps])
    left = tuple([chain for chain in program.chains if chain.name in reached])
    return replace(program, sets=sets, maps=used, chains=left)
