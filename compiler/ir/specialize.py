"""What rules are to packets of which the protocol and the port are known already."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from ..net import Interval, Protocol, intersect
from .match import Icmp6TypeMatch, Match, PortMatch, ProtocolMatch
from .program import Rule, Terminal


def within(rules: Iterable[Rule], protocol: Protocol, ports: Interval) -> Iterable[Rule]:
    """Give what the rules are to packets of the protocol with such a port."""
    for rule in rules:
        narrowed = rule_within(rule, protocol, ports)
        if narrowed is not None:
            yield narrowed


def rule_within(rule: Rule, protocol: Protocol, ports: Interval) -> Rule | None:
    """Return what the rule is to packets of the protocol with such a port; None if nothing."""
    matches = [_narrowed(match, protocol, ports) for match in rule.matches]
    if any(match is None for match in matches):
        return None
    if rule.verdict is Terminal.REJECT_RESET:
        return rule  # which has to say that it is about TCP
    kept = tuple(match for match in matches if match is not None and match != _CERTAIN)
    return rule if kept == rule.matches else replace(rule, matches=kept)


_CERTAIN = ProtocolMatch(())
"""Stands for a match that always holds."""


def _narrowed(match: Match, protocol: Protocol, ports: Interval) -> Match | None:
    """Return the match as these packets meet it; None where none of them can."""
    match match:
        case PortMatch(own, tested):
            if own is not protocol:
                return None
            common = intersect(tested, (ports,))
            if not common:
                return None
            return _CERTAIN if common == (ports,) else PortMatch(own, common)
        case ProtocolMatch(protocols):
            return _CERTAIN if protocol in protocols else None
        case Icmp6TypeMatch():
            return None
        case _:
            return match
