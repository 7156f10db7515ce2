"""From an endpoint's address to its chains: one verdict map for each judgement and tier."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from .ir import Chain, Goto, Jump, Key, KeyType, Lookup, Map, Rule, Verdict, map_of
from .net import Family
from .policy import Tier
from .ways import Way

Plan = tuple[tuple[str, Chain, Verdict], ...]
"""Where an endpoint is led: by which maps to which chains, each with the verdict that does so."""


def plan_of(entry: str, tiers: Sequence[tuple[str, Chain]]) -> Plan:
    """Return the way from the entry map to the first tier's chain, and to each other by its map.

    The entry jumps, so that RETURN in whatever chain goes on behind the base chain's look-up.
    """
    first, rest = tiers[:1], tiers[1:]
    return (
        *((entry, chain, Jump(chain.name)) for _, chain in first),
        *((name, chain, Goto(chain.name)) for name, chain in rest),
    )


class Dispatch:
    """Collects where the endpoints of one node go."""

    def __init__(self) -> None:
        """Start with no endpoints."""
        self._elements: dict[str, tuple[Family, list[tuple[Key, Verdict]]]] = {}
        self._chains: dict[str, Chain] = {}

    def add(self, family: Family, address: int, plan: Plan) -> None:
        """Lead the address as planned."""
        key = ((address, address),)
        for name, chain, verdict in plan:
            known = self._chains.setdefault(chain.name, chain)
            if known is not chain and known.rules != chain.rules:
                raise AssertionError(f"two chains are called {chain.name}")
            if name not in self._elements:
                self._elements[name] = (family, [])
            self._elements[name][1].append((key, verdict))

    def maps(self) -> list[Map]:
        """Return the maps that lead anywhere."""
        return [
            map_of(name, family, (KeyType.ADDRESS,), elements)
            for name, (family, elements) in self._elements.items()
        ]

    def chains(self) -> Iterable[Chain]:
        """Return the chains that are led to."""
        return self._chains.values()


def lookup(way: Way, tier: Tier, family: Family) -> Lookup:
    """Return the look-up of the subject's address in a tier's map."""
    return Lookup((way.subject,), way.dispatch(tier, family))


def dispatch_chain(way: Way, tier: Tier, family: Family, made: Container[str]) -> Chain:
    """Return the chain that leads to a tier's chains, and past them to the next tier's."""
    name = way.dispatch(tier, family)
    rules = [Rule((), lookup(way, tier, family))] if name in made else []
    behind = way.behind(tier, family)
    if behind is not None:
        rules.append(Rule((), Goto(behind)))
    return Chain(name, tuple(rules))
