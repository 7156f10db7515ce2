"""What a packet can reach in a Program: chains, sets, maps, families."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from ..net import Family
from .match import SetMatch
from .names import SELF
from .program import REJECTS, Chain, Goto, Jump, Lookup, Map, Program, Rule, Terminal, Verdict


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


DENY_VERDICTS: AbstractSet[Verdict | Lookup] = frozenset((Terminal.DROP, *REJECTS))


def deny_verdicts_of(chain: Chain) -> AbstractSet[Verdict | Lookup]:
    """Return what a chain does that denies whatever comes to it; nothing for other chains.

    What a pod sends to itself may be judged anew there.
    """
    rules = chain.rules[1:] if judges_self(chain) else chain.rules
    verdicts = {rule.verdict for rule in rules}
    denies = rules and not rules[-1].matches and verdicts <= DENY_VERDICTS
    return verdicts if denies else set()


def judges_self(chain: Chain) -> bool:
    """Tell whether a chain first judges anew what pods send to themselves.

    It can stand for any denial of its direction: its map judges such a packet by all that counts,
    whatever rule has denied it, and has no others.
    """
    first = chain.rules[0].verdict if chain.rules else None
    return isinstance(first, Lookup) and first.map.startswith(SELF)


def successors(verdict: Verdict | Lookup, maps: Mapping[str, Map]) -> tuple[str, ...]:
    """Return the chains that a verdict, or any element of its map, goes to."""
    match verdict:
        case Jump(chain) | Goto(chain):
            return (chain,)
        case Lookup(map=name):
            targets = [
                item.chain for item, _ in maps[name].groups if not isinstance(item, Terminal)
            ]
            return tuple(dict.fromkeys(targets))
        case Terminal():
            return ()


def depth(program: Program, lookup: int = 0) -> int:
    """Return how many chains deep a packet may get below a base chain.

    A look-up counts as so many chains more than the one that it leads to.
    """
    chains, maps = program.chains_by_name(), program.maps_by_name()
    known: dict[str, int] = {}

    def below(name: str) -> int:
        if name not in known:
            known[name] = max(
                (
                    1 + (lookup if isinstance(rule.verdict, Lookup) else 0) + below(target)
                    for rule in chains[name].rules
                    for target in successors(rule.verdict, maps)
                ),
                default=0,
            )
        return known[name]

    return max((below(chain.name) for chain in program.chains if chain.hook), default=0)
