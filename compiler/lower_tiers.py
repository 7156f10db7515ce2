"""All the rules that one tier has for an endpoint → one chain, shared by whoever gets the same."""

from __future__ import annotations

from collections.abc import Sequence

from .ir import Chain, Goto, Origin, Rule, Terminal, Verdict
from .lower_rules import Context, RuleLowering
from .names import hashed_name
from .net import Family
from .policy import Action, Direction, Policy, PolicyRule, Tier
from .printer import print_rule
from .resolve import Resolver
from .subjects import Subject, SubjectIndex, traits
from .ways import Way

_TIER_PREFIX = {Tier.ADMIN: "admin", Tier.NETWORK_POLICY: "np", Tier.BASELINE: "baseline"}


Members = tuple[tuple[int, Subject], ...]
"""Policies by number, each with what of its subject it depends on: who shares it shares chains."""


class TierLowering:
    """Finds the policies of endpoints and lowers each distinct list of them once."""

    def __init__(self, resolver: Resolver, policies: Sequence[Policy], deny: Verdict) -> None:
        """Take the policies in the order in which they judge within their tiers."""
        self.rules = RuleLowering(resolver)
        self._resolver = resolver
        self._policies = policies
        self._deny = deny
        self._traits = [traits(policy) for policy in policies]
        self._subjects = SubjectIndex(policies)
        self._selecting: dict[int, tuple[int, ...]] = {}
        self._speaking = {
            (direction, tier): {
                number
                for number, policy in enumerate(policies)
                if policy.tier is tier and _speaks(policy, direction)
            }
            for direction in Direction
            for tier in Tier
        }
        self._chains: dict[tuple[str, Members], Chain] = {}
        self._lowered: dict[tuple[int, Context, str | None], list[Rule]] = {}

    def policies_of(self, position: int) -> tuple[int, ...]:
        """Return which policies select the endpoint at a position, in the order of policies."""
        found = self._selecting.get(position)
        if found is None:
            endpoint = self._resolver.snapshot.endpoints[position]
            namespace = self._resolver.namespace(endpoint.namespace)
            found = self._subjects.policies_of(endpoint, namespace)
            self._selecting[position] = found
        return found

    def members(self, position: int) -> Members:
        """Return the policies that select the endpoint, with all that their rules depend on."""
        endpoint = self._resolver.snapshot.endpoints[position]
        return tuple(
            (number, self._traits[number].subject(endpoint))
            for number in self.policies_of(position)
        )

    def chain(self, way: Way, tier: Tier, family: Family, members: Members) -> Chain | None:
        """Return the tier's chain for endpoints that these policies select, if they need one."""
        speaks = self._speaking[way.direction, tier]
        if not any(number in speaks for number, _ in members):
            return None
        speaking = tuple(
            (number, subject.judged(way.direction))
            for number, subject in members
            if number in speaks
        )
        key = (way.dispatch(tier, family), speaking)
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = self._build(way, tier, family, speaking)
        return chain

    def _build(self, way: Way, tier: Tier, family: Family, members: Members) -> Chain:
        behind = way.behind(tier, family)
        rules: list[Rule] = []
        for number, subject in members:
            rules += self._policy(number, Context(family, way.direction, subject), behind)
        if tier is Tier.NETWORK_POLICY:
            rules.append(Rule((), self._deny, self._isolation(members, way.direction)))
        elif behind is not None:
            rules.append(Rule((), Goto(behind)))
        prefix = f"{_TIER_PREFIX[tier]}_{way.direction.value}"
        content = "\n".join(print_rule(rule) for rule in rules)
        return Chain(hashed_name(prefix, family, content), tuple(rules))

    def _isolation(self, members: Members, direction: Direction) -> tuple[Origin, ...]:
        tier, word = Tier.NETWORK_POLICY.value, direction.value
        return tuple(Origin(tier, self._policies[number].name, word) for number, _ in members)

    def _policy(self, number: int, context: Context, behind: str | None) -> list[Rule]:
        key = (number, context, behind)
        lowered = self._lowered.get(key)
        if lowered is None:
            lowered = self._lowered[key] = []
            policy = self._policies[number]
            direction = context.direction
            for index, rule in enumerate(policy.rules(direction) or ()):
                verdict = self._verdict(policy.tier, rule, behind)
                origin = Origin(policy.tier.value, policy.name, direction.value, index, rule.name)
                lowered += self.rules.lower(rule, context, verdict, origin)
        return lowered

    def _verdict(self, tier: Tier, rule: PolicyRule, behind: str | None) -> Verdict:
        if rule.action is Action.ACCEPT:
            return Terminal.RETURN
        if rule.action is Action.DENY:
            return self._deny
        if behind is None or tier is Tier.BASELINE:
            return Terminal.RETURN
        return Goto(behind)


def _speaks(policy: Policy, direction: Direction) -> bool:
    """Tell whether the policy judges the direction; an isolating NetworkPolicy always does."""
    rules = policy.rules(direction)
    return rules is not None and (bool(rules) or policy.tier is Tier.NETWORK_POLICY)
