"""Rules of equal precedence that contradict each other: the name decides, and a warning says so.

The API leaves the order of two policies of one tier and priority open; cnpc takes them by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, groupby

from msgspec import Struct

from ..bitset import bits
from ..errors import Diagnostic, warning
from ..ir.match import Origin
from ..ir.packet_space import Segments, Test, ends, read_test
from ..ir.program import Terminal
from ..model.policy import Action, Direction, Policy, PolicyRule, Tier
from ..model.resolver import Resolver
from ..model.subjects import Subject, traits
from ..net import Family
from .rules import Context, RuleLowering


class _Ruling(Struct, frozen=True):
    """A rule by its place in its policy, and what it tests for one kind of subject."""

    policy: Policy
    number: int
    rule: PolicyRule
    tests: tuple[Test, ...]

    @property
    def effect(self) -> Action:
        """What comes of the rule."""
        return _effect(self.policy, self.rule)


_Pair = tuple[_Ruling, _Ruling]
_Part = tuple[_Ruling, int]
"""A rule that judges a service, and the mask of the peers that it judges there."""


def conflicts(resolver: Resolver, policies: Iterable[Policy]) -> tuple[Diagnostic, ...]:
    """Return a warning for each two policies of equal precedence that disagree about a packet.

    ``policies`` stand in the order in which they judge. One pair of rules says enough of two
    policies and a direction. Whether a policy of higher precedence has decided before is not
    considered, and neither are domain names, whose addresses only the node learns.
    """
    cluster_wide = (policy for policy in policies if policy.tier is not Tier.NETWORK_POLICY)
    equals = groupby(cluster_wide, key=lambda item: (item.tier.value, item.priority))
    finder = _Finder(resolver)
    return tuple(
        _warn(pair, direction)
        for group in [tuple(members) for _, members in equals]
        for direction in Direction
        for pair in finder.find([item for item in group if item.rules(direction)], direction)
    )


class _Finder:
    """Compares policies through their lowered rules, which name exact addresses and ports."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._lowering = RuleLowering(resolver)

    def find(self, group: Sequence[Policy], direction: Direction) -> Iterable[_Pair]:
        """Return the first two rules of each two policies that disagree for some endpoint."""
        effects = {_effect(item, rule) for item in group for rule in item.rules(direction) or ()}
        if len(group) == 1 or len(effects) == 1:
            return ()
        found: dict[tuple[str, str], _Pair] = {}
        for policies, subject in self._kinds(group, direction):
            for family in Family:
                context = Context(family, direction, subject)
                rulings = [ruling for item in policies for ruling in self._rulings(item, context)]
                for first, second in _disagreements(rulings):
                    found.setdefault((first.policy.name, second.policy.name), (first, second))
        return found.values()

    def _kinds(
        self, group: Sequence[Policy], direction: Direction
    ) -> Iterator[tuple[tuple[Policy, ...], Subject]]:
        """Yield each list of several policies that some endpoint is subject to, once a subject."""
        size = len(self._resolver.snapshot.endpoints)
        masks = (self._resolver.select(policy.subject) for policy in group)
        selecting = zip(*(mask.bits().ljust(size, b"\0") for mask in masks), strict=True)
        depends_on = traits(*group)
        kinds = {
            (flags, depends_on.subject(endpoint).judged(direction))
            for flags, endpoint in zip(selecting, self._resolver.snapshot.endpoints, strict=False)
            if sum(flags) > 1
        }
        for flags, subject in sorted(kinds, key=repr):
            yield tuple(compress(group, flags)), subject

    def _rulings(self, policy: Policy, context: Context) -> Iterator[_Ruling]:
        for number, rule in enumerate(policy.rules(context.direction) or ()):
            lowered = self._lowering.lower(rule, context, Terminal.RETURN, _NOWHERE)
            sets = self._lowering.sets
            tests = (read_test(item, context.peer_field, context.family, sets) for item in lowered)
            yield _Ruling(
                policy, number, rule, tuple(test for test in tests if test and not test.unknown)
            )


def _effect(policy: Policy, rule: PolicyRule) -> Action:
    """Return the action, or Accept for a Pass of the last tier: behind it, all is allowed."""
    if policy.tier is Tier.BASELINE and rule.action is Action.PASS:
        return Action.ACCEPT
    return rule.action


_NOWHERE = Origin("", "", "")


def _disagreements(rulings: Sequence[_Ruling]) -> Iterator[_Pair]:
    """Yield rules of different policies that are each their policy's first for some packet.

    Services are cut where any rule's begin or end, and so are peers: at a piece of the services,
    what a rule judges is a mask of pieces of the peers.
    """
    tests = [test for ruling in rulings for test in ruling.tests]
    services = Segments(cut for test in tests for cut in ends(test.services))
    peers = Segments(cut for test in tests if test.peers for cut in ends(test.peers))
    seen: set[tuple[tuple[int, int], ...]] = set()
    for parts in _by_service(rulings, services, peers):
        known = tuple((id(ruling), mask) for ruling, mask in parts)
        if known not in seen:
            seen.add(known)
            yield from _between(parts)


def _by_service(
    rulings: Iterable[_Ruling], services: Segments, peers: Segments
) -> Iterable[Sequence[_Part]]:
    """Return, for each piece of the services that any rule judges, who judges whom there."""
    found: dict[int, list[_Part]] = {}
    for ruling in rulings:
        masks: dict[int, int] = {}
        for test in ruling.tests:
            mask = peers.all if test.peers is None else peers.mask(test.peers)
            for place in bits(services.mask(test.services)):
                masks[place] = masks.get(place, 0) | mask
        for place, mask in masks.items():
            found.setdefault(place, []).append((ruling, mask))
    return found.values()


def _between(parts: Sequence[_Part]) -> Iterator[_Pair]:
    """Yield the contradictions at one service; ``parts`` stand in the order of precedence."""
    above: list[_Part] = []
    by_effect = dict.fromkeys(Action, 0)
    for _, group in groupby(parts, key=lambda part: part[0].policy.name):
        own: list[_Part] = []
        judged = 0
        for ruling, mask in group:
            own.append((ruling, mask & ~judged))
            judged |= mask
        for ruling, mask in own:
            against = (by_effect[effect] for effect in Action if effect is not ruling.effect)
            if any(mask & other for other in against):
                yield from _contradicting(above, ruling, mask)
        for ruling, mask in own:
            by_effect[ruling.effect] |= mask
        above += own


def _contradicting(above: Iterable[_Part], ruling: _Ruling, mask: int) -> Iterator[_Pair]:
    for other, its in above:
        if mask & its and other.effect is not ruling.effect:
            yield other, ruling


def _warn(pair: _Pair, direction: Direction) -> Diagnostic:
    first, second = pair
    policy = first.policy
    return warning(
        f"{_name(first, direction)} and {_name(second, direction)} disagree about some packets,"
        f" at equal priority {policy.priority} in tier {policy.tier.value}",
        second.rule.place or second.policy.place,
        f"'{policy.name}' goes first, by its name; give the policies different priorities",
    )


def _name(ruling: _Ruling, direction: Direction) -> str:
    name = f" '{ruling.rule.name}'" if ruling.rule.name else ""
    rule = ruling.policy.words_for(direction, ruling.number)
    return f"{rule}{name} ({ruling.rule.action.value})"
