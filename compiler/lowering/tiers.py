"""All the rules that one tier has for an endpoint → one chain, shared by whoever gets the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ..ir.fingerprint import (
    fingerprint,
    origin_fingerprint,
    rule_fingerprint,
    with_origins,
)
from ..ir.match import Origin
from ..ir.names import hashed_name
from ..ir.program import Chain, Goto, Rule, Terminal, Verdict
from ..model.policy import Action, Direction, Policy, PolicyRule, Tier
from ..model.resolver import Resolver
from ..model.snapshot import Endpoint
from ..model.subjects import Subject, SubjectIndex, Traits, traits
from ..net import Family
from .base_chains import isolated_chain_name
from .rules import Context, RuleLowering
from .tier_order import TierDirection, TierStep

_NETWORK_POLICY, _BASELINE = Tier.NETWORK_POLICY, Tier.BASELINE
_INGRESS, _EGRESS = Direction.INGRESS, Direction.EGRESS
_ACCEPT, _DENY = Action.ACCEPT, Action.DENY
_TIER_WORD = {tier: tier.value for tier in Tier}
_DIRECTION_WORD = {direction: direction.value for direction in Direction}
_TIER_PREFIX = {Tier.ADMIN: "admin", Tier.NETWORK_POLICY: "np", Tier.BASELINE: "baseline"}

Member = tuple[int, Subject]
Members = tuple[Member, ...]
"""Policies by number, each with what of its subject it depends on: who shares it shares chains."""


class TierLowering:
    """Finds the policies of endpoints and lowers each distinct list of them once."""

    def __init__(self, resolver: Resolver, policies: Sequence[Policy], deny: Verdict) -> None:
        """Take the policies in the order in which they judge within their tiers."""
        self.rules = RuleLowering(resolver)
        self._resolver = resolver
        self._policies = policies
        self._deny = deny
        self._policy_traits: list[_PolicyTraits | None] = [None] * len(policies)
        self._anyone: list[Member | None] = [None] * len(policies)
        self._subjects = SubjectIndex(policies)
        self._selecting: dict[int, tuple[int, ...]] = {}
        self._chains: dict[tuple[str, Members], Chain] = {}
        self._lowered: dict[tuple[int, Context, str | None], NamedRules] = {}
        self._isolations: Mapping[Direction, dict[int, tuple[Origin, str]]] = {
            direction: {} for direction in Direction
        }
        self._isolating = {
            (direction, family): _isolating(direction, family)
            for direction in Direction
            for family in Family
        }

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
        anyone = self._anyone
        numbers = self.policies_of(position)
        return tuple([anyone[number] or self._member(number, endpoint) for number in numbers])

    def _member(self, number: int, endpoint: Endpoint) -> Member:
        """Return a policy with what it depends on; what is the same for any endpoint is kept."""
        found = self._traits_of(number).traits
        member = (number, found.subject(endpoint))
        if not found.namespace and not found.port_names:
            self._anyone[number] = member
        return member

    def _traits_of(self, number: int) -> _PolicyTraits:
        """Return what a policy depends on; most are asked for by the nodes of their subjects."""
        found = self._policy_traits[number]
        if found is None:
            policy = self._policies[number]
            found = self._policy_traits[number] = _PolicyTraits(traits(policy), _judgements(policy))
        return found

    def judging(self, members: Members) -> Mapping[TierDirection, Members]:
        """Return by tier and direction those of the policies that judge there, if there are any."""
        found: dict[TierDirection, list[Member]] = {}
        for member in members:
            number, subject = member
            for judgement in self._traits_of(number).judgements:
                judged = (number, subject.judged(judgement[1])) if subject.ports else member
                found.setdefault(judgement, []).append(judged)
        return {judgement: tuple(policies) for judgement, policies in found.items()}

    def chain(self, tier_step: TierStep, members: Members) -> Chain:
        """Return the chain of what these policies, all of which judge at the stop, say there."""
        key = (tier_step.map, members)
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = self._build(tier_step, members)
        return chain

    def rules_at(self, tier_step: TierStep, members: Members) -> Iterator[Rule]:
        """Yield the rules of these policies, all of which judge at the stop, in order."""
        for part in self._parts(tier_step, members):
            yield from part.rules

    def _build(self, tier_step: TierStep, members: Members) -> Chain:
        parts = [*self._parts(tier_step, members), *self._last(tier_step, members)]
        rules = tuple([rule for part in parts for rule in part.rules])
        content = "\n".join([part.fingerprint for part in parts])
        return Chain(hashed_name(_prefix(tier_step), tier_step.family, content), rules)

    def _parts(self, tier_step: TierStep, members: Members) -> Iterator[NamedRules]:
        """Yield what each of the policies has to say at the stop, if anything."""
        _, direction = tier_step.judgement
        for number, subject in members:
            if self._policies[number].rules(direction):
                part = self._policy(
                    number, Context(tier_step.family, direction, subject), tier_step.fallthrough
                )
                if part.rules:
                    yield part

    def _last(self, tier_step: TierStep, members: Members) -> Iterable[NamedRules]:
        """Return the rule that closes a chain, unless its end does as well."""
        if tier_step.judgement[0] is _NETWORK_POLICY:
            return (self._isolation(tier_step, members),)
        return (
            ()
            if tier_step.fallthrough is None
            else (named([Rule((), Goto(tier_step.fallthrough))]),)
        )

    def _isolation(self, tier_step: TierStep, members: Members) -> NamedRules:
        """Return the rule that denies; its origins are made once a policy."""
        _, direction = tier_step.judgement
        known = self._isolations[direction]
        origins: list[Origin] = []
        texts: list[str] = []
        for number, _ in members:
            origin, text = known.get(number) or self._isolates(number, direction)
            origins.append(origin)
            texts.append(text)
        rule, line = self._isolating[direction, tier_step.family]
        return NamedRules((replace(rule, origins=tuple(origins)),), with_origins(line, texts))

    def _isolates(self, number: int, direction: Direction) -> tuple[Origin, str]:
        tier, word = _TIER_WORD[_NETWORK_POLICY], _DIRECTION_WORD[direction]
        origin = Origin(tier, self._policies[number].name, word)
        found = self._isolations[direction][number] = (origin, origin_fingerprint(origin))
        return found

    def _policy(self, number: int, context: Context, fallthrough: str | None) -> NamedRules:
        key = (number, context, fallthrough)
        lowered = self._lowered.get(key)
        if lowered is None:
            rules: list[Rule] = []
            policy = self._policies[number]
            tier, word = _TIER_WORD[policy.tier], _DIRECTION_WORD[context.direction]
            for index, rule in enumerate(policy.rules(context.direction) or ()):
                verdict = self._verdict(policy.tier, rule, fallthrough)
                origin = Origin(tier, policy.name, word, index, rule.name)
                rules += self.rules.lower(rule, context, verdict, origin)
            lowered = self._lowered[key] = named(rules)
        return lowered

    def _verdict(self, tier: Tier, rule: PolicyRule, fallthrough: str | None) -> Verdict:
        if rule.action is _ACCEPT:
            return Terminal.RETURN
        if rule.action is _DENY:
            return self._deny
        if fallthrough is None or tier is _BASELINE:
            return Terminal.RETURN
        return Goto(fallthrough)


def _isolating(direction: Direction, family: Family) -> tuple[Rule, str]:
    """Return the rule by which isolation denies, without origins, and its fingerprint."""
    rule = Rule((), Goto(isolated_chain_name(direction, family)))
    return rule, rule_fingerprint(rule)


def _prefix(tier_step: TierStep) -> str:
    """Return what the names of chains at a stop begin with."""
    tier, direction = tier_step.judgement
    return f"{_TIER_PREFIX[tier]}_{_DIRECTION_WORD[direction]}"


class NamedRules(Struct, frozen=True, gc=False):
    """Rules, and the text from which the name of a chain of them is made."""

    rules: tuple[Rule, ...]
    fingerprint: str


def named(rules: Iterable[Rule]) -> NamedRules:
    """Return the rules with their fingerprint."""
    made = tuple(rules)
    return NamedRules(made, fingerprint(made))


class _PolicyTraits(Struct, frozen=True, gc=False):
    """What of its subjects a policy depends on, and where it judges them."""

    traits: Traits
    judgements: tuple[TierDirection, ...]


def _judgements(policy: Policy) -> tuple[TierDirection, ...]:
    """Return where the policy judges; an isolating NetworkPolicy does so without rules."""
    isolates = policy.tier is _NETWORK_POLICY
    ingress = policy.ingress is not None and (isolates or bool(policy.ingress))
    egress = policy.egress is not None and (isolates or bool(policy.egress))
    return _JUDGEMENTS[policy.tier, ingress, egress]


_JUDGEMENTS = {
    (tier, ingress, egress): tuple(
        (tier, direction)
        for direction, judges in ((_INGRESS, ingress), (_EGRESS, egress))
        if judges
    )
    for tier in Tier
    for ingress in (False, True)
    for egress in (False, True)
}
