"""What isolated pods send to themselves through a Service: the Admin rules that can deny it.

The peer is the pod itself, so that it is known here which of the rules are about it. Mostly none
denies, or only to some ports, and whoever gets the same shares a chain.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ..ir.fingerprint import fingerprint
from ..ir.match import AddressMatch, Match, SetMatch
from ..ir.names import SELF, hashed_name
from ..ir.program import Chain, Goto, Rule, Set, Terminal, Verdict
from ..model.policy import Direction
from ..net import contains
from .pod_dispatch import DispatchStep
from .tier_order import TierStep
from .tiers import Members, TierLowering


class SelfRules(Struct, frozen=True, gc=False):
    """The rules that judge at a stop whatever isolated pods send, up to the last that denies."""

    stop: TierStep
    rules: tuple[Rule, ...]


class SelfLowering:
    """Lowers what pods send to themselves, by what is lowered for all that they send."""

    def __init__(self, tiers: TierLowering, deny: Verdict) -> None:
        """Take what lowers the tiers, and the verdict by which they deny."""
        self._tiers = tiers
        self._deny = deny

    def rules(self, stop: TierStep, members: Members) -> SelfRules:
        """Return the rules of the policies at the stop."""
        rules = [*self._tiers.rules_at(stop, members)]
        return SelfRules(stop, self._to_last_denial(rules))

    def step(self, own: SelfRules, source: int, destination: int) -> DispatchStep:
        """Return where a pod's packets between its own addresses are led."""
        stop, rules = own.stop, own.rules
        if rules:
            peer = source if stop.judgement[1] is Direction.INGRESS else destination
            rules = self._to_last_denial(_about(rules, self._tiers.rules.sets, peer))
        if not rules:
            return stop.map, None, Terminal.RETURN
        prefix = f"{SELF}_admin_{stop.judgement[1].value}"
        chain = Chain(hashed_name(prefix, stop.family, fingerprint(rules)), rules)
        return stop.map, chain, Goto(chain.name)

    def _to_last_denial(self, rules: Sequence[Rule]) -> tuple[Rule, ...]:
        """Return the rules without those at the end, which allow as the end does."""
        end = len(rules)
        while end and rules[end - 1].verdict != self._deny:
            end -= 1
        return tuple(rules[:end])


def _about(rules: Iterable[Rule], sets: Mapping[str, Set], peer: int) -> list[Rule]:
    """Return what is left of the rules for packets of a peer."""
    left: list[Rule] = []
    for rule in rules:
        tests = _tests(rule.matches, sets, peer)
        if tests is not None:
            left.append(rule if len(tests) == len(rule.matches) else replace(rule, matches=tests))
            if not tests:
                break
    return left


def _tests(
    matches: Iterable[Match], sets: Mapping[str, Set], peer: int
) -> tuple[Match, ...] | None:
    """Return the tests that are not about the peer; None where one excludes it."""
    left: list[Match] = []
    for match in matches:
        if isinstance(match, AddressMatch):
            if not contains(match.intervals, peer):
                return None
        elif isinstance(match, SetMatch) and not sets[match.set].dynamic:
            if not _holds(sets[match.set], peer):
                return None
        else:
            left.append(match)
    return tuple(left)


def _holds(item: Set, address: int) -> bool:
    """Tell whether the address is within one of the set's keys, which are in order."""
    place = bisect_right(item.elements, ((address, item.family.max_address),)) - 1
    return place >= 0 and address <= item.elements[place][0][1]
