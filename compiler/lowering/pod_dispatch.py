"""From an endpoint's address to its chains: one verdict map for each judgement and tier."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from ..ir.match import Key, KeyType
from ..ir.program import Chain, Goto, Jump, Keys, Lookup, Map, Rule, Verdict, in_order
from ..model.policy import Tier
from ..net import Family
from .tier_order import TierOrder

DispatchStep = tuple[str, Chain | None, Verdict]
"""By which map an endpoint is led to which chain, if to one, and the verdict that does so."""

DispatchPath = tuple[DispatchStep, ...]
"""Where an endpoint is led."""


def dispatch_path(entry: str, tiers: Sequence[tuple[str, Chain]]) -> DispatchPath:
    """Return the way from the entry map to the first tier's chain, and to each other by its map.

    The entry jumps, so that RETURN in whatever chain goes on behind the base chain's look-up.
    """
    if not tiers:
        return ()
    (_, first), *rest = tiers
    following = [(name, chain, Goto(chain.name)) for name, chain in rest]
    return ((entry, first, Jump(first.name)), *following)


class Dispatch:
    """Collects where the endpoints of one node go."""

    def __init__(self) -> None:
        """Start with no endpoints."""
        self._groups: dict[str, tuple[Family, dict[Verdict, list[Key]]]] = {}
        self._chains: dict[str, Chain] = {}

    def add(self, family: Family, addresses: tuple[int, ...], plan: DispatchPath) -> None:
        """Lead the address as planned, or by maps of pairs the source and the destination."""
        key = tuple([(address, address) for address in addresses])
        for name, chain, verdict in plan:
            if chain is not None:
                known = self._chains.setdefault(chain.name, chain)
                if known is not chain and known.rules != chain.rules:
                    raise AssertionError(f"two chains are called {chain.name}")
            if name not in self._groups:
                self._groups[name] = (family, {})
            self._groups[name][1].setdefault(verdict, []).append(key)

    def maps(self) -> list[Map]:
        """Return the maps that lead anywhere."""
        return [
            Map(name, family, _key_types(groups), in_order(_sorted(groups)))
            for name, (family, groups) in self._groups.items()
        ]

    def chains(self) -> Iterable[Chain]:
        """Return the chains that are led to."""
        return self._chains.values()


def _key_types(groups: Mapping[Verdict, list[Key]]) -> tuple[KeyType, ...]:
    """Return the types of the map's keys, all of which have as many addresses as the first."""
    return (KeyType.ADDRESS,) * len(next(iter(groups.values()))[0])


def _sorted(groups: Mapping[Verdict, list[Key]]) -> Iterable[tuple[Verdict, Keys]]:
    return ((verdict, tuple(sorted(keys))) for verdict, keys in groups.items())


def lookup(tier_order: TierOrder, tier: Tier, family: Family) -> Lookup:
    """Return the look-up of the subject's address in a tier's map."""
    return Lookup((tier_order.subject,), tier_order.dispatch(tier, family))


def dispatch_chain(
    tier_order: TierOrder, tier: Tier, family: Family, made: Container[str]
) -> Chain:
    """Return the chain that leads to a tier's chains, and past them to the next tier's."""
    name = tier_order.dispatch(tier, family)
    rules = [Rule((), lookup(tier_order, tier, family))] if name in made else []
    fallthrough = tier_order.fallthrough(tier, family)
    if fallthrough is not None:
        rules.append(Rule((), Goto(fallthrough)))
    return Chain(name, tuple(rules))
