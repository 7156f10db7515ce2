"""Policies and snapshot → the Program of a node: tiers, Pass and isolation become chains.

A pod's address leads to the chain of the first tier that has rules for it. A tier's chain ends by
going to the dispatch of the next tier, so that pods share each tier's chain whatever the other
tiers say of them, and no packet needs a mark. Accept is RETURN: the egress judgement comes back to
the base chain, which goes on to ingress.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from operator import attrgetter

from ..ir.match import SetMatch
from ..ir.program import Chain, Goto, Lookup, Program, Set, Terminal
from ..model.policy import Policy, Tier
from ..model.resolver import Resolver
from ..net import Family
from ..options import DenyWith, Options
from .base_chains import (
    DENY_CHAIN,
    base_chain,
    contested_chain,
    isolated_chain,
    isolated_chain_name,
    local_set_name,
    reject_chain,
    unusual_chain,
)
from .pod_dispatch import (
    Dispatch,
    DispatchPath,
    DispatchStep,
    dispatch_chain,
    dispatch_path,
    lookup,
)
from .rules import address_set
from .self_traffic import SelfLowering, SelfRules
from .tier_order import SELF_WAYS, TierDirection, TierOrder, tier_orders_by_hook
from .tiers import Members, TierLowering

_by_name = attrgetter("name")


class Lowering:
    """Makes the Program of any node; what nodes have in common is made once."""

    def __init__(self, resolver: Resolver, policies: Sequence[Policy], options: Options) -> None:
        """Take policies in the order in which they judge within their tiers."""
        self._resolver = resolver
        self._rejecting = options.deny_with is DenyWith.REJECT
        self._deny = Goto(DENY_CHAIN) if self._rejecting else Terminal.DROP
        self._tiers = TierLowering(resolver, policies, self._deny)
        self._self = SelfLowering(self._tiers, self._deny)
        self._tier_orders_by_hook = tier_orders_by_hook(options.own_node)
        self._tier_steps = {
            family: [
                (tier_order, tier_order.tier_steps(family)) for tier_order in self._tier_orders()
            ]
            for family in Family
        }
        self._plans: Mapping[Family, dict[Members, _Plans]] = {family: {} for family in Family}

    def policies_of(self, position: int) -> tuple[int, ...]:
        """Return which policies select the endpoint at a position, in the order of policies."""
        return self._tiers.policies_of(position)

    def program(self, node: str) -> Program:
        """Return what judges the packets of the endpoints on one node."""
        dispatch = Dispatch()
        for position in self._resolver.local(node):
            self._add_endpoint(dispatch, position)
        self._add_contested(dispatch, node)
        maps = dispatch.maps()
        made = {item.name for item in maps}
        local = self._local_sets(node)
        chains = [*dispatch.chains(), unusual_chain(local)]
        chains += self._tier_dispatch(made)
        chains += self._isolated(made)
        for hook, tier_orders in self._tier_orders_by_hook.items():
            chains.append(base_chain(hook, _first_lookups(tier_orders, made)))
        if self._rejecting:
            chains.append(reject_chain())
        return Program(
            node,
            tuple(sorted((*local, *self._used_sets(chains)), key=_by_name)),
            tuple(sorted(maps, key=_by_name)),
            tuple(sorted(chains, key=_by_name)),
        )

    def _tier_orders(self) -> Iterable[TierOrder]:
        return dict.fromkeys(
            tier_order
            for tier_orders in self._tier_orders_by_hook.values()
            for tier_order in tier_orders
        )

    def _add_endpoint(self, dispatch: Dispatch, position: int) -> None:
        members = self._tiers.members(position)
        addresses = self._resolver.snapshot.endpoints[position].addresses
        for family, address in addresses:
            plan, own = self._plan(family, members)
            dispatch.add(family, (address,), plan)
            if own:
                others = [other for other_family, other in addresses if other_family is family]
                for other in others:
                    steps = tuple([self._self.step(item, address, other) for item in own])
                    dispatch.add(family, (address, other), steps)

    def _add_contested(self, dispatch: Dispatch, node: str) -> None:
        """Deny the traffic of addresses that several pods of this and other nodes claim."""
        denying = contested_chain(self._deny)
        for where, (family, address) in self._resolver.snapshot.contested:
            if where == node:
                entries = [
                    (tier_steps[0].map, denying) for _, tier_steps in self._tier_steps[family]
                ]
                plan = [step for entry in entries for step in dispatch_path(entry[0], (entry,))]
                dispatch.add(family, (address,), tuple(plan))

    def _plan(self, family: Family, members: Members) -> _Plans:
        """Return where endpoints with these policies go, the same for all of them."""
        plans = self._plans[family]
        plan = plans.get(members)
        if plan is None:
            judging = self._tiers.judging(members)
            plan = plans[members] = (
                self._make_plan(family, judging),
                self._self_rules(family, judging),
            )
        return plan

    def _make_plan(self, family: Family, judging: Mapping[TierDirection, Members]) -> DispatchPath:
        plan: list[DispatchStep] = []
        for tier_order, tier_steps in self._tier_steps[family]:
            met = tier_steps[:1] if tier_order.ends_early(judging) else tier_steps
            tiers = [
                (tier_step.map, self._tiers.chain(tier_step, judging[tier_step.judgement]))
                for tier_step in met
                if tier_step.judgement in judging
            ]
            plan += dispatch_path(tier_steps[0].map, tiers)
        return tuple(plan)

    def _self_rules(
        self, family: Family, judging: Mapping[TierDirection, Members]
    ) -> tuple[SelfRules, ...]:
        """Return the rules for what isolated endpoints send to themselves, by direction."""
        found: list[SelfRules] = []
        for tier_order in SELF_WAYS:
            if (Tier.NETWORK_POLICY, tier_order.direction) in judging:
                (tier_step,) = tier_order.tier_steps(family)
                found.append(self._self.rules(tier_step, judging.get(tier_step.judgement, ())))
        return tuple(found)

    def _tier_dispatch(self, made: Container[str]) -> list[Chain]:
        """Return the chains between tiers, for the ways and families that lead anywhere."""
        return [
            dispatch_chain(tier_order, tier, family, made)
            for tier_order in self._tier_orders()
            for family in Family
            if tier_order.dispatch(tier_order.tiers[0], family) in made
            for tier in tier_order.tiers[1:]
        ]

    def _isolated(self, made: Container[str]) -> list[Chain]:
        """Return the chains where isolation denies, for the families that have isolated pods."""
        return [
            isolated_chain(
                isolated_chain_name(tier_order.direction, family),
                tier_order.dispatch(Tier.ADMIN, family),
                rejecting=self._rejecting,
            )
            for tier_order in SELF_WAYS
            for family in Family
            if tier_order.dispatch(Tier.ADMIN, family) in made
        ]

    def _local_sets(self, node: str) -> list[Set]:
        positions = self._resolver.local(node)
        return [
            address_set(
                local_set_name(family),
                family,
                self._resolver.addresses_at(positions, family),
                "endpoints of this node",
            )
            for family in Family
        ]

    def _used_sets(self, chains: Iterable[Chain]) -> list[Set]:
        names = {
            match.set
            for chain in chains
            for rule in chain.rules
            for match in rule.matches
            if isinstance(match, SetMatch)
        }
        return [self._tiers.rules.sets[name] for name in names if name in self._tiers.rules.sets]


_Plans = tuple[DispatchPath, tuple[SelfRules, ...]]
"""Where an endpoint is led, and the rules for what it sends to itself if it is isolated."""


def _first_lookups(tier_orders: Iterable[TierOrder], made: Container[str]) -> list[Lookup]:
    return [
        lookup(tier_order, tier_order.tiers[0], family)
        for tier_order in tier_orders
        for family in Family
        if tier_order.dispatch(tier_order.tiers[0], family) in made
    ]
