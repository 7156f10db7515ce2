"""What the kernel does for a new connection, counted by a walk through the emitted text.

All peers walk at once: a bit mask says who of them is still there at a rule, and counters that are
masks themselves (one for each binary digit) keep what each of them has met.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..compiler.net import Family, Interval
from .nft_flows import PORT_PROTOCOL, Flow, Flows
from .nft_marks import Marks
from .nft_text import Chain, Rule, Table, Test, Text, parse_values

_WORD = {Family.IPV4: "ip", Family.IPV6: "ip6"}
_ENDS = ("saddr", "daddr")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a new connection meets before it is judged, over peers and flows."""

    worst_rules: int
    mean_rules: float
    worst_lookups: int
    mean_lookups: float


def join(costs: Sequence[Cost]) -> Cost:
    """Return the cost over several kinds of connections together, each counting as much."""
    return Cost(
        max(cost.worst_rules for cost in costs),
        sum(cost.mean_rules for cost in costs) / len(costs),
        max(cost.worst_lookups for cost in costs),
        sum(cost.mean_lookups for cost in costs) / len(costs),
    )


class Tally:
    """A number for each of ``count`` peers, all numbers held as bit planes."""

    def __init__(self, count: int) -> None:
        """Start with zero for each."""
        self._count = count
        self._all = (1 << count) - 1
        self._same = 0
        self._planes: list[int] = []

    def add(self, mask: int) -> None:
        """Add one to the number of each peer in the mask."""
        if mask == self._all:
            self._same += 1
            return
        for index, plane in enumerate(self._planes):
            if not mask:
                return
            self._planes[index] = plane ^ mask
            mask &= plane
        if mask:
            self._planes.append(mask)

    def worst(self) -> int:
        """Return the highest number."""
        left, value = self._all, 0
        for index in range(len(self._planes) - 1, -1, -1):
            if left & self._planes[index]:
                left &= self._planes[index]
                value |= 1 << index
        return value + self._same

    def mean(self) -> float:
        """Return the mean of the numbers."""
        total = sum(plane.bit_count() << index for index, plane in enumerate(self._planes))
        return total / self._count + self._same if self._count else 0.0


class Peers:
    """The addresses at the other end, in order: bit i of a mask is the i-th of them."""

    def __init__(self, addresses: Iterable[int]) -> None:
        """Take addresses of one family."""
        self._sorted = sorted(set(addresses))
        self.count = len(self._sorted)
        self.everyone = (1 << self.count) - 1

    def mask(self, intervals: Iterable[Interval]) -> int:
        """Return who lies within one of the intervals."""
        digits = bytearray(b"0" * self.count)
        for low, high in intervals:
            start = bisect_left(self._sorted, low)
            end = bisect_right(self._sorted, high, start)
            if end > start:
                digits[start:end] = b"1" * (end - start)
        return int(digits[::-1] or b"0", 2)


class _Index:
    """Finds in a table, for what is known of a packet, which peers get which verdict."""

    def __init__(self, table: Table, peer_part: int | None, peers: Peers) -> None:
        self._peers = peers
        self._exact: dict[tuple[int, ...], dict[str, list[Interval]]] = {}
        self._ranges: list[tuple[Sequence[Interval], str, Interval | None]] = []
        self._found: dict[tuple[int, ...], Mapping[str, int]] = {}
        self._has_peer = peer_part is not None
        for key, verdict in table.entries():
            peer = None if peer_part is None else key[peer_part]
            known = [part for index, part in enumerate(key) if index != peer_part]
            if all(low == high for low, high in known):
                verdicts = self._exact.setdefault(tuple(low for low, _ in known), {})
                verdicts.setdefault(verdict, []).extend([peer] if peer else [])
            else:
                self._ranges.append((known, verdict, peer))

    def find(self, values: tuple[int, ...]) -> Mapping[str, int]:
        """Return the verdicts with the masks of the peers that get them."""
        found = self._found.get(values)
        if found is None:
            found = self._found[values] = self._compute(values)
        return found

    def _compute(self, values: tuple[int, ...]) -> Mapping[str, int]:
        verdicts = {name: list(peers) for name, peers in self._exact.get(values, {}).items()}
        for known, verdict, peer in self._ranges:
            if all(low <= value <= high for (low, high), value in zip(known, values, strict=True)):
                verdicts.setdefault(verdict, []).extend([peer] if peer else [])
        if not self._has_peer:
            return dict.fromkeys(verdicts, self._peers.everyone)
        return {verdict: self._peers.mask(peers) for verdict, peers in verdicts.items()}


@dataclass(frozen=True, slots=True)
class _Packet:
    """A new connection of one pod with whichever peer; ``own`` names the field of its address."""

    family: Family
    own: str
    address: int
    flow: Flow


class Walker:
    """Counts what new connections of pods meet in one ruleset."""

    def __init__(self, text: Text, peers: Mapping[Family, Peers]) -> None:
        """Take a ruleset, and who may be at the other end."""
        self._text = text
        self._peers = peers
        self._flows = Flows(text)
        self._indexes: dict[tuple[Table | str, tuple[str, ...], str], _Index] = {}
        self._values: dict[tuple[Family, str, str], int] = {}
        self._parsed: dict[Test, tuple[Interval, ...]] = {}
        self._marks: dict[str, Marks] = {}
        self._costs: dict[tuple[str, Hashable], Cost] = {}
        self._base = next(item for item in text.chains.values() if item.hook == "forward")

    def cost(self, family: Family, address: int, *, source: bool) -> Cost:
        """Return the cost of the connections that the pod opens, or of those to it.

        The base chain's look-up of the peer is counted but not followed: if the peer is a pod of
        this node too, that judgement is a line of its own.
        """
        own = f"{_WORD[family]} {_ENDS[0] if source else _ENDS[1]}"
        if own not in self._marks:
            self._marks[own] = Marks(self._text, own)
        key = (own, self._marks[own].of(address))
        if key not in self._costs:
            self._costs[key] = self._count(family, own, address)
        return self._costs[key]

    def _count(self, family: Family, own: str, address: int) -> Cost:
        peers = self._peers[family]
        flows = self._flows.of(self._reachable(_Packet(family, own, address, Flow(0, None))))
        costs = []
        for flow in flows:
            walk = _Walk(self, _Packet(family, own, address, flow), peers.count)
            walk.chain(self._base, peers.everyone)
            rules, lookups = walk.rules, walk.lookups
            costs.append(Cost(rules.worst(), rules.mean(), lookups.worst(), lookups.mean()))
        return join(costs)

    def named_chain(self, name: str) -> Chain:
        """Return the chain of that name."""
        return self._text.chains[name]

    def select(self, test: Test, packet: _Packet) -> Mapping[str, int]:
        """Return which peers pass the test, by verdict; an ordinary test has the empty verdict."""
        if test.fields == ("ct state",):
            new = "new" in test.value.split(",")
            return {"": self._peers[packet.family].everyone} if new else {}
        known: list[int] = []
        for field in test.fields:
            if field.endswith(_ENDS) and field != packet.own:
                if not field.startswith(f"{_WORD[packet.family]} "):
                    return {}
                continue
            value = _value(field, packet)
            if value is None:
                return {}
            known.append(value)
        if test.table is None:
            return self._compare(test, packet, known)
        return self._index(test, packet).find(tuple(known))

    def _compare(self, test: Test, packet: _Packet, known: Sequence[int]) -> Mapping[str, int]:
        intervals = self._parsed.get(test)
        if intervals is None:
            intervals = self._parsed[test] = parse_values(test)
        peers = self._peers[packet.family]
        if known:
            inside = any(low <= known[0] <= high for low, high in intervals)
            return {"": peers.everyone} if inside else {}
        key = (packet.family, test.fields[0], test.value)
        if key not in self._values:
            self._values[key] = peers.mask(intervals)
        return {"": self._values[key]}

    def _index(self, test: Test, packet: _Packet) -> _Index:
        table = test.table or ""
        key = (table, test.fields, packet.own)
        index = self._indexes.get(key)
        if index is None:
            made = table if isinstance(table, Table) else self._text.tables[table]
            at = [
                part
                for part, field in enumerate(test.fields)
                if field.endswith(_ENDS) and field != packet.own
            ]
            index = _Index(made, at[0] if at else None, self._peers[packet.family])
            self._indexes[key] = index
        return index

    def _reachable(self, packet: _Packet) -> Iterable[str]:
        """Return the chains that some connection of the packet's pod may come to."""
        found: dict[str, None] = {}
        waiting = [self._base.name]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = None
                for rule in self._text.chains[name].rules:
                    waiting += self._targets(rule, packet, base=name == self._base.name)
        return found

    def _targets(self, rule: Rule, packet: _Packet, *, base: bool) -> Iterable[str]:
        if not all(self.select(test, packet) for test in rule.tests if _is_of_ends(test)):
            return ()
        verdicts: Iterable[str] = (rule.verdict,)
        if rule.tests and rule.tests[-1].verdicts:
            test = rule.tests[-1]
            if test.fields == (packet.own,):
                verdicts = self.select(test, packet)
            elif base:
                return ()
            else:
                table = test.table if isinstance(test.table, Table) else None
                table = table or self._text.tables[str(test.table)]
                verdicts = {verdict: None for _, verdict in table.entries()}
        return [word.split()[1] for word in verdicts if word.startswith(("jump ", "goto "))]


class _Walk:
    """One flow's walk."""

    def __init__(self, walker: Walker, packet: _Packet, count: int) -> None:
        self._walker = walker
        self._packet = packet
        self.rules = Tally(count)
        self.lookups = Tally(count)

    def chain(self, chain: Chain, here: int) -> int:
        """Walk on from the chain's first rule; return who comes back behind the last jump."""
        returned = 0
        for rule in chain.rules:
            if not here:
                break
            self.rules.add(here)
            back = 0
            for verdict, mask in self._hits(rule, here, base=bool(chain.hook)):
                here &= ~mask
                word, _, target = verdict.partition(" ")
                if word == "return":
                    returned |= mask
                elif word == "goto":
                    returned |= self.chain(self._walker.named_chain(target), mask)
                elif word == "jump":
                    back |= self.chain(self._walker.named_chain(target), mask)
            here |= back
        return returned | here

    def _hits(self, rule: Rule, here: int, *, base: bool) -> list[tuple[str, int]]:
        """Return the verdicts that the rule gives, and to whom."""
        hits: Mapping[str, int] = {"": here}
        for test in rule.tests:
            reached = hits[""]
            if test.table is not None and _is_made(test, self._packet):
                self.lookups.add(reached)
            if base and test.verdicts and test.fields != (self._packet.own,):
                return []
            selected = self._walker.select(test, self._packet)
            hits = {word: both for word, mask in selected.items() if (both := mask & reached)}
            if not hits:
                return []
        if rule.verdict:
            return [(rule.verdict, hits[""])]
        return list(hits.items())


def _value(field: str, packet: _Packet) -> int | None:
    """Return what the packet has there; None if it has no such field, which fails every test."""
    if field == packet.own:
        return packet.address
    if field == "meta l4proto":
        return packet.flow.protocol
    if field == "th dport" or PORT_PROTOCOL.get(field) == packet.flow.protocol:
        return packet.flow.port
    return None


def _is_of_ends(test: Test) -> bool:
    """Tell whether addresses alone decide a test that gives no verdict."""
    return not test.verdicts and all(field.endswith(_ENDS) for field in test.fields)


def _is_made(test: Test, packet: _Packet) -> bool:
    """Tell whether the kernel gets to the look-up: family and protocol are tested before it."""
    for field in test.fields:
        if field.endswith(_ENDS) and not field.startswith(f"{_WORD[packet.family]} "):
            return False
        if PORT_PROTOCOL.get(field, packet.flow.protocol) != packet.flow.protocol:
            return False
    return test.fields != ("icmpv6 type",)
