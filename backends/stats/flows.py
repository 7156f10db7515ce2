"""Which connections are worth counting: the ports at which a ruleset may judge otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...compiler.ir.match import Field, PortMatch, ProtocolMatch, SetMatch
from ...compiler.ir.program import Lookup, Program, Rule
from ...compiler.net import ANY_PORT, MAX_PORT, Interval, Protocol, normalize, subtract
from .lookups import Tables, entries, look_ups

MOST_FLOWS = 32
"""Of how many protocols and ports, evenly chosen, at most the costs are counted."""

_ANY_TRANSPORT = (Protocol.TCP, Protocol.UDP)


@dataclass(frozen=True, slots=True, order=True)
class Flow:
    """What a connection is besides its addresses; ``port`` None where the protocol has none."""

    protocol: int
    port: int | None


class Flows:
    """Finds the flows that the rules of chains tell apart."""

    def __init__(self, program: Program) -> None:
        """Take a ruleset's program."""
        self._chains = program.chains_by_name()
        self._tables = Tables(program)
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
            rules = self._chains[chain].rules
            found = tuple(dict.fromkeys(pair for rule in rules for pair in self._of_rule(rule)))
            self._known[chain] = found
        return found

    def _of_rule(self, rule: Rule) -> Iterator[tuple[int, Interval]]:
        for match in rule.matches:
            if isinstance(match, PortMatch) and match.ports != ANY_PORT:
                yield from ((match.protocol, interval) for interval in match.ports)
        for look_up in look_ups(rule):
            if Field.DPORT in look_up.fields:
                yield from self._of_table(look_up, _spoken(rule) or _ANY_TRANSPORT)

    def _of_table(
        self, look_up: SetMatch | Lookup, default: Iterable[int]
    ) -> Iterator[tuple[int, Interval]]:
        for key, _ in entries(self._tables.of(look_up)):
            part = dict(zip(look_up.fields, key, strict=True))
            protocols = [part[Field.PROTOCOL][0]] if Field.PROTOCOL in part else default
            yield from ((protocol, part[Field.DPORT]) for protocol in protocols)


def _spoken(rule: Rule) -> list[int]:
    """Return the protocols that the rule asks for beside its look-ups."""
    found: list[int] = []
    for match in rule.matches:
        match match:
            case ProtocolMatch(protocols):
                found += protocols
            case PortMatch(protocol):
                found.append(protocol)
            case _:
                pass
    return found


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
