"""All the rules that one tier has for an endpoint → one chain, shared by whoever gets the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .ir import Chain, Goto, Origin, Rule, Terminal, Verdict
from .lower_rules import Context, RuleLowering
from .names import hashed_name
from .policy import Action, Direction, Policy, PolicyRule, Tier
from .printer import print_rule
from .resolve import Resolver
from .subjects import Subject, SubjectIndex, traits
from .ways import Judgement, Stop

# An attribute of an enum takes ten times as long to look up.
_NETWORK_POLICY = Tier.NETWORK_POLICY
_INGRESS, _EGRESS = Direction
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
        self._judgements = [_judgements(policy) for policy in policies]
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

    def judging(self, members: Members) -> Mapping[Judgement, Members]:
        """Return by tier and direction those of the policies that judge there, if there are any."""
        found: dict[Judgement, list[tuple[int, Subject]]] = {}
        for number, subject in members:
            for judgement in self._judgements[number]:
                judged = (number, subject.judged(judgement[1]))
                found.setdefault(judgement, []).append(judged)
        return {judgement: tuple(policies) for judgement, policies in found.items()}

    def chain(self, stop: Stop, members: Members) -> Chain:
        """Return the chain of what these policies, all of which judge at the stop, say there."""
        key = (stop.map, members)
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = self._build(stop, members)
        return chain

    def _build(self, stop: Stop, members: Members) -> Chain:
        tier, direction = stop.judgement
        rules: list[Rule] = []
        for number, subject in members:
            rules += self._policy(number, Context(stop.family, direction, subject), stop.behind)
        if tier is _NETWORK_POLICY:
            rules.append(Rule((), self._deny, self._isolation(members, direction)))
        elif stop.behind is not None:
            rules.append(Rule((), Goto(stop.behind)))
        prefix = f"{_TIER_PREFIX[tier]}_{direction.value}"
        content = "\n".join(map(print_rule, rules))
        return Chain(hashed_name(prefix, stop.family, content), tuple(rules))

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


def _judgements(policy: Policy) -> tuple[Judgement, ...]:
    """Return where the policy judges; an isolating NetworkPolicy does so without rules."""
    isolates = policy.tier is _NETWORK_POLICY
    return tuple(
        (policy.tier, direction)
        for direction, rules in ((_INGRESS, policy.ingress), (_EGRESS, policy.egress))
        if rules is not None and (rules or isolates)
    )
