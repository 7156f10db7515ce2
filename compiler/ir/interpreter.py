"""What a Program does with a packet: the meaning of the IR, written as an interpreter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from ..net import ANY_PORT, Family, Protocol, contains
from .match import (
    AddressMatch,
    Field,
    Hook,
    Icmp6TypeMatch,
    Key,
    Match,
    PlainMatch,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    State,
    StateMatch,
)
from .program import Chain, Goto, Jump, Lookup, Map, Program, Rule, Terminal, Verdict


@dataclass(frozen=True, slots=True)
class Packet:
    """What rules can see of a packet at a hook; ``dport`` None where the protocol has no ports."""

    family: Family
    saddr: int
    daddr: int
    protocol: int
    dport: int | None = None
    icmp6_type: int = -1
    state: State = State.NEW


@dataclass(frozen=True, slots=True)
class Judgement:
    """The end of a packet's way, and the rules that it matched on it, in order."""

    verdict: Terminal
    met: tuple[tuple[str, Rule], ...]

    @property
    def accepted(self) -> bool:
        """Whether the packet goes on."""
        return self.verdict is Terminal.ACCEPT


class Interpreter:
    """Judges packets by one Program; keeps its tables indexed between packets."""

    def __init__(self, program: Program) -> None:
        """Index the program's chains, sets and maps by name."""
        self._chains = program.chains_by_name()
        self._sets = {item.name: _Index(item.family, item.elements) for item in program.sets}
        self._maps = {item.name: _map_index(item) for item in program.maps}

    def judge(self, packet: Packet, hook: Hook) -> Judgement:
        """Return the verdict of the hook's base chain; what falls through it is accepted."""
        met: list[tuple[str, Rule]] = []
        for chain in self._chains.values():
            if chain.hook is hook:
                return Judgement(self._walk(chain, packet, met), tuple(met))
        return Judgement(Terminal.ACCEPT, ())

    def _walk(self, chain: Chain, packet: Packet, met: list[tuple[str, Rule]]) -> Terminal:
        """Run the chain; RETURN from it, or its end, is accepted as a base chain's policy is."""
        stack: list[tuple[Chain, int]] = [(chain, 0)]
        while stack:
            current, index = stack.pop()
            if index == len(current.rules):
                continue
            rule = current.rules[index]
            verdict = self._verdict(rule, packet)
            if verdict is None:
                stack.append((current, index + 1))
                continue
            met.append((current.name, rule))
            match verdict:
                case Terminal.RETURN:
                    pass
                case Terminal():
                    return verdict
                case Jump(target):
                    stack += [(current, index + 1), (self._chains[target], 0)]
                case Goto(target):
                    stack.append((self._chains[target], 0))
                case _:
                    assert_never(verdict)
        return Terminal.ACCEPT

    def _verdict(self, rule: Rule, packet: Packet) -> Verdict | None:
        if not all(self._holds(match, packet) for match in rule.matches):
            return None
        if isinstance(rule.verdict, Lookup):
            return self._look_up(rule.verdict, packet)
        return rule.verdict

    def _holds(self, match: Match, packet: Packet) -> bool:
        if isinstance(match, SetMatch):
            return self._sets[match.set].find(match.fields, packet) is not None
        return holds(match, packet)

    def _look_up(self, lookup: Lookup, packet: Packet) -> Verdict | None:
        index, verdicts = self._maps[lookup.map]
        position = index.find(lookup.fields, packet)
        return None if position is None else verdicts[position]


def holds(match: PlainMatch, packet: Packet) -> bool:
    """Tell whether the packet is one of those that the match is for."""
    match match:
        case AddressMatch(field, family, intervals):
            return family is packet.family and contains(intervals, value_of(field, packet))
        case PortMatch(protocol, ports):
            return packet.protocol == protocol and (
                ports == ANY_PORT or contains(ports, value_of(Field.DPORT, packet))
            )
        case ProtocolMatch(protocols):
            return packet.protocol in protocols
        case StateMatch(states):
            return packet.state in states
        case Icmp6TypeMatch(types):
            return (
                packet.family is Family.IPV6
                and packet.protocol == Protocol.ICMPV6
                and contains(types, packet.icmp6_type)
            )
        case _:
            assert_never(match)


def _map_index(table: Map) -> tuple[_Index, Sequence[Verdict]]:
    """Return what finds the place of a map's key, and the verdicts by their places."""
    elements = table.elements
    return _Index(table.family, (key for key, _ in elements)), [verdict for _, verdict in elements]


class _Index:
    """Finds which key of a set or map holds a packet's values.

    Exact keys are hashed; keys with a true interval are scanned, as they are few or in tests.
    """

    def __init__(self, family: Family, keys: Iterable[Key]) -> None:
        self._family = family
        self._exact: dict[tuple[int, ...], int] = {}
        self._boxes: list[tuple[Key, int]] = []
        for position, key in enumerate(keys):
            if all(low == high for low, high in key):
                self._exact[tuple(low for low, _ in key)] = position
            else:
                self._boxes.append((key, position))

    def find(self, fields: tuple[Field, ...], packet: Packet) -> int | None:
        """Return the position of the key that holds the fields' values, if there is one."""
        if packet.family is not self._family:
            return None
        values = tuple(value_of(field, packet) for field in fields)
        position = self._exact.get(values)
        if position is not None:
            return position
        for key, candidate in self._boxes:
            if all(low <= value <= high for (low, high), value in zip(key, values, strict=True)):
                return candidate
        return None


_NO_PORT = -1


def value_of(field: Field, packet: Packet) -> int:
    """Return what the packet has there; a port that no key holds where it has none."""
    match field:
        case Field.SADDR:
            return packet.saddr
        case Field.DADDR:
            return packet.daddr
        case Field.PROTOCOL:
            return packet.protocol
        case Field.DPORT:
            return _NO_PORT if packet.dport is None else packet.dport
        case _:
            assert_never(field)
