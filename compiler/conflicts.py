"""Rules of equal precedence that contradict each other: the name decides, and a warning says so.

The API leaves the order of two policies of one tier and priority open; cnpc takes them by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, compress, groupby, product

from .errors import Diagnostic, warning
from .ir import AddressMatch, Match, Origin, PortMatch, SetMatch, Terminal
from .lower_rules import Context, RuleLowering
from .net import MAX_PORT, Family, Interval, intersect, normalize, subtract
from .policy import Direction, Policy, PolicyRule, Tier
from .resolve import Resolver, Selection
from .subjects import traits

_PROTOCOLS = 256
_ALL_SERVICES: tuple[Interval, ...] = ((0, _PROTOCOLS * (MAX_PORT + 1) - 1),)
"""Every protocol and port on one line, so that a service is a number like an address."""


@dataclass(frozen=True, slots=True)
class _Box:
    """Packets by peer address and service, both normal lists."""

    addresses: tuple[Interval, ...]
    services: tuple[Interval, ...]

    def minus(self, other: _Box) -> Iterator[_Box]:
        """Yield what of this box is not in the other, as disjoint boxes."""
        beside = _Box(subtract(self.addresses, other.addresses), self.services)
        above = _Box(
            intersect(self.addresses, other.addresses), subtract(self.services, other.services)
        )
        return (box for box in (beside, above) if box.addresses and box.services)

    def meets(self, other: _Box) -> bool:
        """Tell whether the boxes share a packet."""
        return bool(
            intersect(self.addresses, other.addresses) and intersect(self.services, other.services)
        )


@dataclass(frozen=True, slots=True)
class _Judged:
    """A rule, its position in its policy, and the packets for which it is the first to match."""

    number: int
    rule: PolicyRule
    boxes: list[_Box]

    def meets(self, other: _Judged) -> bool:
        """Tell whether both rules judge some packet."""
        return any(mine.meets(its) for mine in self.boxes for its in other.boxes)


_NOWHERE = Origin("", "", "")


def conflicts(resolver: Resolver, policies: Iterable[Policy]) -> tuple[Diagnostic, ...]:
    """Return a warning for each two policies of equal precedence that disagree about a packet.

    ``policies`` stand in the order in which they judge.
    """
    cluster_wide = [policy for policy in policies if policy.tier is not Tier.NETWORK_POLICY]
    finder = _Finder(resolver)
    return tuple(
        found
        for _, group in groupby(cluster_wide, key=lambda item: (item.tier.value, item.priority))
        for first, second in combinations(tuple(group), 2)
        for direction in Direction
        for found in finder.between(first, second, direction)
    )


class _Finder:
    """Compares policies through their lowered rules, which name exact addresses and ports."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._lowering = RuleLowering(resolver)

    def between(self, first: Policy, second: Policy, direction: Direction) -> Iterable[Diagnostic]:
        """Yield at most one warning: the first two rules that disagree say enough."""
        actions = {
            rule.action for policy in (first, second) for rule in policy.rules(direction) or ()
        }
        if len(actions) == 1 or not (first.rules(direction) and second.rules(direction)):
            return
        for context in self._contexts(first, second, direction):
            for left, right in product(self._judged(first, context), self._judged(second, context)):
                if left.rule.action is not right.rule.action and left.meets(right):
                    yield _warn(first, left, second, right, direction)
                    return

    def _contexts(self, first: Policy, second: Policy, direction: Direction) -> Iterable[Context]:
        """Return one context for each kind of endpoint that both policies select."""
        common = (
            self._resolver.select(first.subject).mask & self._resolver.select(second.subject).mask
        )
        depends_on = traits(first, second)
        endpoints = compress(self._resolver.snapshot.endpoints, Selection(0, common).bits())
        subjects = dict.fromkeys(depends_on.subject(endpoint) for endpoint in endpoints)
        return (Context(family, direction, subject) for subject in subjects for family in Family)

    def _judged(self, policy: Policy, context: Context) -> list[_Judged]:
        judged: list[_Judged] = []
        for number, rule in enumerate(policy.rules(context.direction) or ()):
            lowered = self._lowering.lower(rule, context, Terminal.RETURN, _NOWHERE)
            boxes = [self._box(item.matches, context.family) for item in lowered]
            for earlier in judged:
                boxes = _subtract(boxes, earlier.boxes)
            judged.append(_Judged(number, rule, boxes))
        return judged

    def _box(self, matches: Iterable[Match], family: Family) -> _Box:
        addresses: tuple[Interval, ...] = ((0, family.max_address),)
        services = _ALL_SERVICES
        for match in matches:
            if isinstance(match, AddressMatch):
                addresses = match.intervals
            elif isinstance(match, SetMatch):
                elements = self._lowering.sets[match.set].elements
                addresses = normalize(interval for (interval,) in elements)
            elif isinstance(match, PortMatch):
                base = match.protocol * (MAX_PORT + 1)
                services = tuple((base + low, base + high) for low, high in match.ports)
        return _Box(addresses, services)


def _subtract(boxes: Iterable[_Box], others: Iterable[_Box]) -> list[_Box]:
    rest = list(boxes)
    for other in others:
        rest = [part for box in rest for part in box.minus(other)]
    return rest


def _warn(
    first: Policy, left: _Judged, second: Policy, right: _Judged, direction: Direction
) -> Diagnostic:
    return warning(
        f"{_name(first, left, direction)} and {_name(second, right, direction)} disagree about"
        f" some packets, at equal priority {first.priority} in tier {first.tier.value}",
        right.rule.place or second.place,
        f"'{first.name}' goes first, by its name; give the policies different priorities",
    )


def _name(policy: Policy, judged: _Judged, direction: Direction) -> str:
    name = f" '{judged.rule.name}'" if judged.rule.name else ""
    return (
        f"{policy.kind} '{policy.name}' {direction.value} rule {judged.number}{name}"
        f" ({judged.rule.action.value})"
    )
