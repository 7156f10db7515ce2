"""What every Program must be, before and after each pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import assert_never

from ..net import ANY_PORT, MAX_PORT, PORT_PROTOCOLS, Family, Interval, Protocol, normalize
from .match import (
    AddressMatch,
    Field,
    Icmp6TypeMatch,
    Key,
    KeyType,
    Match,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    StateMatch,
)
from .program import REJECTS, Chain, Lookup, Map, Program, Rule, Set, Terminal, in_order
from .reachability import successors

MAX_DEPTH = 15
"""How many chains deep a packet may be below a base chain (NFT_JUMP_STACK_SIZE is 16)."""

_MAX_PROTOCOL = 255


def verify(program: Program) -> tuple[str, ...]:
    """Return what is wrong with the program, in words; empty for a valid one."""
    return tuple(_Verifier(program).problems())


class _Verifier:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._sets = program.sets_by_name()
        self._maps = program.maps_by_name()
        self._chains = program.chains_by_name()

    def problems(self) -> Iterable[str]:
        yield from self._all_names()
        yield from self._tables()
        for chain in self._program.chains:
            for number, rule in enumerate(chain.rules):
                for problem in self._rule(rule):
                    yield f"chain {chain.name}, rule {number}: {problem}"
        yield from self._depth()

    def _all_names(self) -> Iterable[str]:
        program = self._program
        for group in (program.sets, program.maps, program.chains):
            yield from _names(group)
        for name in sorted(self._sets.keys() & self._maps.keys()):
            yield f"{name} is both a set and a map"
        for hook, number in Counter(chain.hook for chain in program.chains if chain.hook).items():
            if number > 1:
                yield f"{number} chains at the hook {hook.value}"

    def _tables(self) -> Iterable[str]:
        for item in self._program.sets:
            yield from _keys(item, item.elements)
        for table in self._program.maps:
            yield from _groups(table)
            if any(verdict in REJECTS for verdict in table.verdicts):
                yield f"{table.name}: a map cannot reject"

    def _rule(self, rule: Rule) -> Iterable[str]:
        for match in rule.matches:
            yield from self._match(match)
        if rule.verdict is Terminal.REJECT_RESET and Protocol.TCP not in _protocols(rule):
            yield "only TCP can be reset"
        yield from self._contradictions(rule)
        if isinstance(rule.verdict, Lookup):
            if rule.verdict.map not in self._maps:
                yield f"no map {rule.verdict.map}"
                return
            yield from _fields(rule.verdict.fields, self._maps[rule.verdict.map])
        for target in successors(rule.verdict, self._maps):
            if target not in self._chains:
                yield f"no chain {target}"
            elif self._chains[target].hook:
                yield f"goes to the base chain {target}"

    def _contradictions(self, rule: Rule) -> Iterable[str]:
        """Find what asks for too much at once: nft(8) refuses it as conflicting protocols."""
        asked = [self._family(match) for match in rule.matches]
        if isinstance(rule.verdict, Lookup) and rule.verdict.map in self._maps:
            asked.append(self._maps[rule.verdict.map].family)
        if len({family for family in asked if family}) > 1:
            yield "no packet is of two families"
        protocols = [choice for match in rule.matches if (choice := _choice(match))]
        if protocols and not frozenset.intersection(*protocols):
            yield "no packet has two protocols"

    def _family(self, match: Match) -> Family | None:
        match match:
            case AddressMatch(family=family):
                return family
            case SetMatch(set=name) if name in self._sets:
                return self._sets[name].family
            case Icmp6TypeMatch():
                return Family.IPV6
            case _:
                return None

    def _match(self, match: Match) -> Iterable[str]:
        match match:
            case SetMatch(fields, name):
                if name in self._sets:
                    yield from _fields(fields, self._sets[name])
                else:
                    yield f"no set {name}"
            case AddressMatch(field, family, intervals):
                if field.type is not KeyType.ADDRESS:
                    yield f"{field.value} is not an address"
                yield from _intervals(intervals, family.max_address)
            case PortMatch(protocol, ports):
                if protocol not in PORT_PROTOCOLS and ports != ANY_PORT:
                    yield f"{protocol.name} has no ports"
                yield from _intervals(ports, MAX_PORT)
            case ProtocolMatch(values) | StateMatch(values):
                if not values:
                    yield "an empty list matches nothing"
            case Icmp6TypeMatch(types):
                yield from _intervals(types, _MAX_PROTOCOL)
            case _:
                assert_never(match)

    def _depth(self) -> Iterable[str]:
        """Measure how deep chains lead; one that leads back to itself never ends."""
        targets = {chain.name: self._targets(chain) for chain in self._program.chains}
        try:
            order = tuple(TopologicalSorter(targets).static_order())
        except CycleError as error:
            _, loop = error.args
            yield f"chains lead back to themselves: {', '.join(loop)}"
            return
        depths: dict[str, int] = {}
        for name in order:  # targets come first
            below = (depths[target] + 1 for target in targets.get(name, ()))
            depths[name] = max(below, default=0)
        for chain in self._program.chains:
            depth = depths[chain.name]
            if chain.hook and depth > MAX_DEPTH:
                yield f"chain {chain.name} leads {depth} chains deep, {MAX_DEPTH} are allowed"

    def _targets(self, chain: Chain) -> Sequence[str]:
        found = (
            target
            for rule in chain.rules
            if not isinstance(rule.verdict, Lookup) or rule.verdict.map in self._maps
            for target in successors(rule.verdict, self._maps)
        )
        return tuple(dict.fromkeys(found))


def _choice(match: Match) -> frozenset[Protocol]:
    """Return the protocols of which a match asks for one; none where it asks for no protocol."""
    match match:
        case PortMatch(protocol=protocol):
            return frozenset((protocol,))
        case ProtocolMatch(protocols=protocols):
            return frozenset(protocols)
        case Icmp6TypeMatch():
            return frozenset((Protocol.ICMPV6,))
        case _:
            return frozenset()


def _protocols(rule: Rule) -> Iterable[Protocol]:
    return [match.protocol for match in rule.matches if isinstance(match, PortMatch)]


def _names(items: Sequence[Set | Map | Chain]) -> Iterable[str]:
    names = [item.name for item in items]
    if names != sorted(set(names)):
        yield f"names are not unique and in order: {', '.join(names)}"


def _fields(fields: tuple[Field, ...], table: Set | Map) -> Iterable[str]:
    if tuple(field.type for field in fields) != table.key:
        yield f"the fields do not fit the key of {table.name}"


def _groups(table: Map) -> Iterable[str]:
    groups = [keys for _, keys in table.groups]
    if not all(groups):
        yield f"{table.name}: a group of no keys"
        return
    in_groups = all(left < right for keys in groups for left, right in pairwise(keys))
    if table.groups != in_order(table.groups) or not in_groups:
        yield f"{table.name}: keys are out of order"
    yield from _keys(table, [key for key, _ in table.elements])


def _keys(table: Set | Map, keys: Sequence[Key]) -> Iterable[str]:
    limits: Mapping[KeyType, int] = {
        KeyType.ADDRESS: table.family.max_address,
        KeyType.PROTOCOL: _MAX_PROTOCOL,
        KeyType.PORT: MAX_PORT,
    }
    for key in keys:
        if len(key) != len(table.key):
            yield f"{table.name}: a key of {len(key)} parts where {len(table.key)} are due"
            return
        for (low, high), kind in zip(key, table.key, strict=True):
            if not 0 <= low <= high <= limits[kind]:
                yield f"{table.name}: {low}-{high} is out of range"
    if any(left >= right for left, right in pairwise(keys)):
        yield f"{table.name}: keys are out of order"
    elif _overlap(keys):
        yield f"{table.name}: keys overlap"


def _overlap(keys: Iterable[Key]) -> bool:
    """Tell whether any two of the keys, given in order, share a value."""
    open_keys: list[Key] = []
    for key in keys:
        open_keys = [item for item in open_keys if item[0][1] >= key[0][0]]
        if any(_share(item, key) for item in open_keys):
            return True
        open_keys.append(key)
    return False


def _share(left: Key, right: Key) -> bool:
    return all(
        left_low <= right_high and right_low <= left_high
        for (left_low, left_high), (right_low, right_high) in zip(left, right, strict=True)
    )


def _intervals(intervals: tuple[Interval, ...], highest: int) -> Iterable[str]:
    if not intervals:
        yield "an empty list matches nothing"
    elif normalize(intervals) != intervals:
        yield f"intervals are not in normal form: {intervals}"
    elif intervals[0][0] < 0 or intervals[-1][1] > highest:
        yield f"intervals are out of range: {intervals}"
