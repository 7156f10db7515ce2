"""What every Program must be, before and after each pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from .ir import (
    AddressMatch,
    Chain,
    Field,
    Icmp6TypeMatch,
    Key,
    KeyType,
    Lookup,
    Map,
    Match,
    PortMatch,
    Program,
    ProtocolMatch,
    Rule,
    Set,
    SetMatch,
    StateMatch,
    successors,
)
from .net import MAX_PORT, Interval, normalize

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
        program = self._program
        for group in (program.sets, program.maps, program.chains):
            yield from _names(group)
        for item in program.sets:
            yield from _keys(item, item.elements)
        for table in program.maps:
            yield from _keys(table, [key for key, _ in table.elements])
        for chain in program.chains:
            for number, rule in enumerate(chain.rules):
                for problem in self._rule(rule):
                    yield f"chain {chain.name}, rule {number}: {problem}"
        yield from self._depth()

    def _rule(self, rule: Rule) -> Iterable[str]:
        for match in rule.matches:
            yield from self._match(match)
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
            case PortMatch(_, ports):
                yield from _intervals(ports, MAX_PORT)
            case ProtocolMatch(values) | StateMatch(values):
                if not values:
                    yield "an empty list matches nothing"
            case Icmp6TypeMatch(types):
                yield from _intervals(types, _MAX_PROTOCOL)
            case _:
                assert_never(match)

    def _depth(self) -> Iterable[str]:
        """Walk from the base chains; a chain that leads back to itself never ends."""
        depths: dict[str, int] = {}
        for chain in self._program.chains:
            try:
                depth = self._depth_of(chain.name, depths, ())
            except RecursionError as loop:
                yield f"chain {chain.name} leads back to {loop}"
                return
            if chain.hook and depth > MAX_DEPTH:
                yield f"chain {chain.name} leads {depth} chains deep, {MAX_DEPTH} are allowed"

    def _depth_of(self, name: str, depths: dict[str, int], path: tuple[str, ...]) -> int:
        if name in path:
            raise RecursionError(name)
        if name not in depths and name in self._chains:
            targets = {
                target
                for rule in self._chains[name].rules
                if not isinstance(rule.verdict, Lookup) or rule.verdict.map in self._maps
                for target in successors(rule.verdict, self._maps)
            }
            below = (self._depth_of(target, depths, (*path, name)) for target in sorted(targets))
            depths[name] = max((depth + 1 for depth in below), default=0)
        return depths.get(name, 0)


def _names(items: Sequence[Set | Map | Chain]) -> Iterable[str]:
    names = [item.name for item in items]
    if names != sorted(set(names)):
        yield f"names are not unique and in order: {', '.join(names)}"


def _fields(fields: tuple[Field, ...], table: Set | Map) -> Iterable[str]:
    if tuple(field.type for field in fields) != table.key:
        yield f"the fields do not fit the key of {table.name}"


def _keys(table: Set | Map, keys: Sequence[Key]) -> Iterable[str]:
    limits: Mapping[KeyType, int] = {
        KeyType.ADDRESS: table.family.max_address,
        KeyType.PROTOCOL: _MAX_PROTOCOL,
        KeyType.PORT: MAX_PORT,
    }
    previous: Key | None = None
    for key in keys:
        if len(key) != len(table.key):
            yield f"{table.name}: a key of {len(key)} parts where {len(table.key)} are due"
            return
        for (low, high), kind in zip(key, table.key, strict=True):
            if not 0 <= low <= high <= limits[kind]:
                yield f"{table.name}: {low}-{high} is out of range"
        if previous is not None and not _in_order(previous, key):
            yield f"{table.name}: keys overlap or are out of order"
            return
        previous = key


def _in_order(left: Key, right: Key) -> bool:
    """Tell whether the left key stands before the right one and shares nothing with it."""
    if left >= right:
        return False
    return any(
        left_high < right_low or right_high < left_low
        for (left_low, left_high), (right_low, right_high) in zip(left, right, strict=True)
    )


def _intervals(intervals: tuple[Interval, ...], highest: int) -> Iterable[str]:
    if not intervals:
        yield "an empty list matches nothing"
    elif normalize(intervals) != intervals:
        yield f"intervals are not in normal form: {intervals}"
    elif intervals[0][0] < 0 or intervals[-1][1] > highest:
        yield f"intervals are out of range: {intervals}"
