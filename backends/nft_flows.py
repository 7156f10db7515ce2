"""Which connections are worth counting: the ports at which a ruleset may judge otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..compiler.net import ANY_PORT, MAX_PORT, Interval, Protocol, normalize, subtract
from .nft_text import Rule, Table, Test, Text, parse_values

MOST_FLOWS = 32
"""Of how many protocols and ports, evenly chosen, at most the costs are counted."""

PORT_PROTOCOL = {
    "tcp dport": Protocol.TCP,
    "udp dport": Protocol.UDP,
    "sctp dport": Protocol.SCTP,
}
"""Expressions that hold of one protocol alone."""

_ANY_TRANSPORT = (Protocol.TCP, Protocol.UDP)


@dataclass(frozen=True, slots=True, order=True)
class Flow:
    """What a connection is besides its addresses; ``port`` None where the protocol has none."""

    protocol: int
    port: int | None


Named = Mapping[int, tuple[Interval, ...]]
"""By protocol: the ports that rules name, in normal form."""


class Flows:
    """Finds the flows that the rules of chains tell apart."""

    def __init__(self, text: Text) -> None:
        """Take a ruleset."""
        self._text = text
        self._known: dict[str, tuple[tuple[int, Interval], ...]] = {}

    def of(self, chains: Iterable[str]) -> tuple[Flow, ...]:
        """Return, in order, a flow on each side of every edge, one that no rule names, and a ping.

        Where that makes too many, an even choice among those that are named.
        """
        named: dict[int, set[Interval]] = {Protocol.TCP: set()}
        for chain in chains:
            for protocol, interval in self._named(chain):
                named.setdefault(protocol, set()).add(interval)
        flows = sorted({flow for item in named.items() for flow in _edges(*item)}, key=_order)
        others = [_unnamed(protocol, intervals) for protocol, intervals in sorted(named.items())]
        always = [*filter(None, others), Flow(Protocol.ICMP, None)]
        chosen = _thin([flow for flow in flows if flow not in always], MOST_FLOWS - len(always))
        return (*chosen, *always)

    def _named(self, chain: str) -> tuple[tuple[int, Interval], ...]:
        found = self._known.get(chain)
        if found is None:
            rules = self._text.chains[chain].rules
            found = tuple(dict.fromkeys(pair for rule in rules for pair in self._of_rule(rule)))
            self._known[chain] = found
        return found

    def _of_rule(self, rule: Rule) -> Iterator[tuple[int, Interval]]:
        spoken = [
            low
            for test in rule.tests
            if test.fields == ("meta l4proto",)
            for ((low, _), *_) in self._keys(test)
        ]
        for test in rule.tests:
            for key in self._keys(test):
                yield from _ports(test.fields, key, spoken or _ANY_TRANSPORT)

    def _keys(self, test: Test) -> Iterator[tuple[Interval, ...]]:
        if not any(field.endswith(("dport", "l4proto")) for field in test.fields):
            return
        if test.table is None:
            yield from ((interval,) for interval in parse_values(test))
            return
        table = test.table if isinstance(test.table, Table) else self._text.tables[test.table]
        for key, _ in table.entries():
            yield key


def _ports(
    fields: tuple[str, ...], key: tuple[Interval, ...], default: Iterable[int]
) -> Iterator[tuple[int, Interval]]:
    part = dict(zip(fields, key, strict=True))
    for field, interval in part.items():
        if field in PORT_PROTOCOL:
            yield PORT_PROTOCOL[field], interval
        elif field == "th dport":
            protocols = [part["meta l4proto"][0]] if "meta l4proto" in part else default
            for protocol in protocols:
                yield protocol, interval


def _edges(protocol: int, intervals: Iterable[Interval]) -> Iterator[Flow]:
    for low, high in intervals:
        yield Flow(protocol, low)
        if high > low:
            yield Flow(protocol, high)
            if high < MAX_PORT:
                yield Flow(protocol, high + 1)


def _unnamed(protocol: int, intervals: Iterable[Interval]) -> Flow | None:
    free = subtract(ANY_PORT, normalize({(0, 0), *intervals}))
    return Flow(protocol, free[0][0]) if free else None


def _thin(flows: list[Flow], most: int) -> list[Flow]:
    if len(flows) <= most:
        return flows
    return [flows[index * len(flows) // most] for index in range(most)]


def _order(flow: Flow) -> tuple[int, int]:
    return flow.protocol, flow.port or 0
