"""From an endpoint's address to its chains: one verdict map for each judgement and tier."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from .ir import Chain, Goto, Jump, Key, KeyType, Lookup, Map, Rule, Verdict, map_of
from .net import Family
from .policy import Tier
from .ways import Way


class Dispatch:
    """Collects where the endpoints of one node go."""

    def __init__(self) -> None:
        """Start with no endpoints."""
        self._elements: dict[str, tuple[Family, list[tuple[Key, Verdict]]]] = {}
        self._chains: dict[str, Chain] = {}

    def add(
        self, entry: str, family: Family, address: int, tiers: Sequence[tuple[str, Chain]]
    ) -> None:
        """Lead the address to its chains: from the entry map to the first, each by its own map.

        The entry jumps, so that RETURN in whatever chain goes on behind the base chain's look-up.
        """
        for name, chain in tiers:
            known = self._chains.setdefault(chain.name, chain)
            if known is not chain and known.rules != chain.rules:
                raise AssertionError(f"two chains are called {chain.name}")
            first = name == tiers[0][0]
            verdict = Jump(chain.name) if first else Goto(chain.name)
            _, elements = self._elements.setdefault(entry if first else name, (family, []))
            elements.append((((address, address),), verdict))

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
