"""A rule of the IR as the lines of iptables-restore(8) that match the same packets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import assert_never

from msgspec import Struct

from ...compiler.errors import InputError
from ...compiler.ir.match import (
    AddressMatch,
    Field,
    Icmp6TypeMatch,
    Match,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    StateMatch,
)
from ...compiler.ir.program import Chain, Goto, Jump, Lookup, Rule, Terminal
from ...compiler.net import (
    ANY_PORT,
    Family,
    Interval,
    Protocol,
    format_address,
    intersect,
    prefixes,
)
from ..text import PROTOCOL_WORD, describe_origins, quotable

COMMENT_BYTES = 255
"""The longest comment (linux/netfilter/xt_comment.h: XT_MAX_COMMENT_LEN is 256)."""

MULTIPORT_SLOTS = 15
"""How many ports a rule can list; a range takes two (xt_multiport.h: XT_MULTI_PORTS)."""

Refuse = Callable[[str, Rule], InputError]
"""Makes the error for a rule that cannot be expressed, from words for what it is."""

_SIDE = {Field.SADDR: "src", Field.DADDR: "dst", Field.DPORT: "dst"}
_PROHIBITED = {Family.IPV4: "icmp-admin-prohibited", Family.IPV6: "icmp6-adm-prohibited"}


class RuleLine(Struct, frozen=True):
    """One rule: its tests, and its verdict, which ends in the chain that ``target`` stands for."""

    tests: str
    verdict: str
    target: str = ""


class RuleText:
    """Renders the rules of one family."""

    def __init__(self, family: Family, set_names: Mapping[str, str], refuse: Refuse) -> None:
        """Take what the sets are called where they are loaded."""
        self._family = family
        self._set_names = set_names
        self._refuse = refuse

    def lines(self, chain: Chain) -> tuple[RuleLine, ...]:
        """Return the lines of the chain's rules, in order."""
        return tuple(line for rule in chain.rules for line in self._rule(rule))

    def _rule(self, rule: Rule) -> Iterable[RuleLine]:
        """Give a line for each combination of what the matches are split into.

        The comment comes last, where only packets that match pay for it.
        """
        self._check(rule)
        verdict, target = self._verdict(rule)
        ordered = sorted(_joined(rule.matches), key=_cost)
        comment = []
        if rule.origins:
            text = quotable(describe_origins(rule.origins), COMMENT_BYTES)
            comment = [f'-m comment --comment "{text}"']
        for parts in product(*(self._match(match) for match in ordered)):
            yield RuleLine(" ".join((*parts, *comment)), verdict, target)

    def _check(self, rule: Rule) -> None:
        """Raise the error for what has no words in iptables."""
        protocols = [
            match
            for match in rule.matches
            if isinstance(match, PortMatch | ProtocolMatch | Icmp6TypeMatch)
        ]
        if len(protocols) > 1:
            raise self._refuse("two tests of the protocol", rule)
        if rule.verdict is Terminal.REJECT_RESET and not _is_tcp(protocols):
            raise self._refuse("a TCP reset for what may not be TCP", rule)

    def _verdict(self, rule: Rule) -> tuple[str, str]:
        match rule.verdict:
            case Terminal.DROP:
                return "-j DROP", ""
            case Terminal.RETURN:
                return "-j RETURN", ""
            case Terminal.REJECT_RESET:
                return "-j REJECT --reject-with tcp-reset", ""
            case Terminal.REJECT_PROHIBITED:
                return f"-j REJECT --reject-with {_PROHIBITED[self._family]}", ""
            case Jump(chain):
                return "-j ", chain
            case Goto(chain):
                return "-g ", chain
            case Terminal.ACCEPT | Lookup():
                raise TypeError(rule.verdict)
            case _:
                assert_never(rule.verdict)

    def _match(self, match: Match) -> Sequence[str]:
        """Return the alternatives of which one must hold."""
        match match:
            case AddressMatch(field, _, intervals):
                return [self._addresses(field, interval) for interval in intervals]
            case SetMatch(fields, name):
                sides = ",".join(_SIDE[field] for field in fields if field is not Field.PROTOCOL)
                return [f"-m set --match-set {self._set_names[name]} {sides}"]
            case PortMatch(protocol, ports):
                return [f"-p {PROTOCOL_WORD[protocol]}{test}" for test in _ports(protocol, ports)]
            case ProtocolMatch(protocols):
                return [f"-p {PROTOCOL_WORD[protocol]}" for protocol in protocols]
            case StateMatch(states):
                words = ",".join(state.value.upper() for state in states)
                return [f"-m conntrack --ctstate {words}"]
            case Icmp6TypeMatch(types):
                numbers = (number for low, high in types for number in range(low, high + 1))
                return [f"-p ipv6-icmp --icmpv6-type {number}" for number in numbers]
            case _:
                assert_never(match)

    def _addresses(self, field: Field, interval: Interval) -> str:
        covering = prefixes(self._family, interval)
        if len(covering) == 1:
            return f"{'-s' if field is Field.SADDR else '-d'} {covering[0]}"
        low, high = (format_address(self._family, end) for end in interval)
        return f"-m iprange --{_SIDE[field]}-range {low}-{high}"


def _joined(matches: Sequence[Match]) -> Iterable[Match]:
    """Return the matches with one for each address, which a rule can name once."""
    joined: dict[Field, AddressMatch] = {}
    for match in matches:
        if not isinstance(match, AddressMatch):
            continue
        known = joined.get(match.field, match)
        both = intersect(known.intervals, match.intervals)
        joined[match.field] = AddressMatch(match.field, match.family, both)
    return (*joined.values(), *(m for m in matches if not isinstance(m, AddressMatch)))


def _is_tcp(protocols: Sequence[Match]) -> bool:
    match protocols:
        case [PortMatch(protocol=Protocol.TCP) | ProtocolMatch(protocols=(Protocol.TCP,))]:
            return True
        case _:
            return False


def _cost(match: Match) -> int:
    """Return the rank of a match: what looks least of the packet is tested first."""
    match match:
        case AddressMatch() | ProtocolMatch():
            return 0
        case PortMatch() | Icmp6TypeMatch():
            return 1
        case StateMatch():
            return 2
        case SetMatch():
            return 3
        case _:
            assert_never(match)


def _ports(protocol: Protocol, intervals: Sequence[Interval]) -> list[str]:
    if tuple(intervals) == ANY_PORT:
        return [""]
    if len(intervals) == 1 and protocol is not Protocol.SCTP:  # xt_sctp is missing in some kernels
        return [f" --dport {_port(intervals[0])}"]
    return [
        f" -m multiport --dports {','.join(map(_port, group))}" for group in _multiports(intervals)
    ]


def _port(interval: Interval) -> str:
    low, high = interval
    return str(low) if low == high else f"{low}:{high}"


def _multiports(intervals: Sequence[Interval]) -> Iterable[Sequence[Interval]]:
    """Give the intervals in groups that each fit into one rule."""
    group: list[Interval] = []
    slots = 0
    for low, high in intervals:
        size = 1 if low == high else 2
        if slots + size > MULTIPORT_SLOTS:
            yield group
            group, slots = [], 0
        group.append((low, high))
        slots += size
    yield group
