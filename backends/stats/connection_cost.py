"""What the kernel does for a new connection, counted by a walk through the program of a ruleset.

All peers walk at once: a bit mask says who of them is still there at a rule, and counters that are
masks themselves (one for each binary digit) keep what each of them has met.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...compiler.ir.interpreter import Packet, holds, value_of
from ...compiler.ir.match import (
    AddressMatch,
    Field,
    Hook,
    Icmp6TypeMatch,
    KeyType,
    Match,
    PortMatch,
    SetMatch,
)
from ...compiler.ir.program import Chain, Goto, Jump, Lookup, Program, Rule, Terminal, Verdict
from ...compiler.ir.reachability import successors
from ...compiler.net import Family
from .flows import Flow, Flows
from .lookups import Tables, listed
from .peer_masks import PeerIndex, Peers, Tally
from .pod_classes import PodClasses

_NOWHERE = 0  # the peer's address, which the masks have instead


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


@dataclass(frozen=True, slots=True)
class _Connection:
    """A new connection of one pod with whichever peer; ``own`` is the field of its address."""

    own: Field
    packet: Packet

    @classmethod
    def of(cls, family: Family, own: Field, address: int, flow: Flow) -> _Connection:
        ends = (address, _NOWHERE) if own is Field.SADDR else (_NOWHERE, address)
        return cls(own, Packet(family, *ends, flow.protocol, flow.port))


class Walker:
    """Counts what new connections of pods meet in one ruleset."""

    def __init__(
        self, program: Program, peers: Mapping[Family, Peers], *, lists_are_sets: bool
    ) -> None:
        """Take a ruleset's program, and who may be at the other end.

        ``lists_are_sets`` says whether the packet filter looks up what a rule lists, as nft does.
        """
        self._program = program
        self._peers = peers
        self._lists_are_sets = lists_are_sets
        self._flows = Flows(program)
        self._tables = Tables(program)
        self._maps = program.maps_by_name()
        self._chains = program.chains_by_name()
        self._indexes: dict[tuple[SetMatch | Lookup, Field], PeerIndex] = {}
        self._within: dict[AddressMatch, int] = {}
        self._marks: dict[tuple[Family, Field], PodClasses] = {}
        self._costs: dict[Hashable, Cost] = {}
        self._base = next(item for item in program.chains if item.hook is Hook.FORWARD)

    def cost(self, family: Family, address: int, *, source: bool) -> Cost:
        """Return the cost of the connections that the pod opens, or of those to it.

        The base chain's look-up of the peer is counted but not followed: if the peer is a pod of
        this node too, that judgement is a line of its own.
        """
        own = Field.SADDR if source else Field.DADDR
        if (family, own) not in self._marks:
            self._marks[family, own] = PodClasses(self._program, family, own)
        key = (family, own, self._marks[family, own].of(address))
        if key not in self._costs:
            self._costs[key] = self._count(family, own, address)
        return self._costs[key]

    def _count(self, family: Family, own: Field, address: int) -> Cost:
        peers = self._peers[family]
        anyhow = _Connection.of(family, own, address, Flow(0, None))
        costs = []
        for flow in self._flows.of(self._reachable(anyhow)):
            walk = _Walk(self, _Connection.of(family, own, address, flow), peers.count)
            walk.chain(self._base, peers.everyone)
            rules, lookups = walk.rules, walk.lookups
            costs.append(Cost(rules.worst(), rules.mean(), lookups.worst(), lookups.mean()))
        return join(costs)

    def named_chain(self, name: str) -> Chain:
        """Return the chain of that name."""
        return self._chains[name]

    def passing(self, match: Match, connection: _Connection) -> int:
        """Return which peers pass the test."""
        packet = connection.packet
        if isinstance(match, SetMatch):
            return self.find(match, connection).get(None, 0)
        if isinstance(match, AddressMatch) and match.field is not connection.own:
            return self._mask(match) if match.family is packet.family else 0
        return self._peers[packet.family].everyone if holds(match, packet) else 0

    def _mask(self, match: AddressMatch) -> int:
        mask = self._within.get(match)
        if mask is None:
            mask = self._within[match] = self._peers[match.family].mask(match.intervals)
        return mask

    def find(
        self, look_up: SetMatch | Lookup, connection: _Connection
    ) -> Mapping[Verdict | None, int]:
        """Return which peers get which verdict; those in a set get None."""
        if not self._is_of_family(look_up, connection):
            return {}
        known = (field for field in look_up.fields if not _is_peer(field, connection))
        values = tuple(value_of(field, connection.packet) for field in known)
        return self._index(look_up, connection).find(values)

    def _is_of_family(self, look_up: SetMatch | Lookup, connection: _Connection) -> bool:
        return self._tables.of(look_up).family is connection.packet.family

    def _index(self, look_up: SetMatch | Lookup, connection: _Connection) -> PeerIndex:
        key = (look_up, connection.own)
        index = self._indexes.get(key)
        if index is None:
            table = self._tables.of(look_up)
            fields = enumerate(look_up.fields)
            part = next((part for part, field in fields if _is_peer(field, connection)), None)
            index = self._indexes[key] = PeerIndex(table, part, self._peers[table.family])
        return index

    def is_look_up(self, test: Match | Lookup, connection: _Connection) -> bool:
        """Tell whether the kernel looks something up for the test.

        Family and protocol are tested before it does.
        """
        match test:
            case SetMatch() | Lookup():
                return self._is_of_family(test, connection)
            case _ if not self._lists_are_sets or len(listed(test)) <= 1:
                return False
            case AddressMatch(family=family):
                return family is connection.packet.family
            case PortMatch(protocol=protocol):
                return protocol == connection.packet.protocol
            case Icmp6TypeMatch():
                return False  # no flow is of ICMPv6
            case _:
                return True

    def _reachable(self, connection: _Connection) -> Iterable[str]:
        """Return the chains that some connection of the pod may come to."""
        found: dict[str, None] = {}
        waiting = [self._base.name]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = None
                for rule in self._chains[name].rules:
                    waiting += self._targets(rule, connection, base=name == self._base.name)
        return found

    def _targets(self, rule: Rule, connection: _Connection, *, base: bool) -> Iterable[str]:
        if not all(self._may_pass(match, connection) for match in rule.matches):
            return ()
        if not isinstance(rule.verdict, Lookup):
            return successors(rule.verdict, self._maps)
        if rule.verdict.fields == (connection.own,):
            verdicts = self.find(rule.verdict, connection)
            return [item.chain for item in verdicts if isinstance(item, Jump | Goto)]
        return () if base else successors(rule.verdict, self._maps)

    def _may_pass(self, match: Match, connection: _Connection) -> bool:
        """Tell whether some flow may pass, of a peer within the snapshot or without."""
        packet = connection.packet
        match match:
            case AddressMatch(field=field) if field is connection.own:
                return holds(match, packet)
            case AddressMatch(family=family):
                return family is packet.family
            case SetMatch(fields=fields) if all(f.type is KeyType.ADDRESS for f in fields):
                return bool(self.find(match, connection))
            case _:
                return True


class _Walk:
    """One flow's walk."""

    def __init__(self, walker: Walker, connection: _Connection, count: int) -> None:
        self._walker = walker
        self._connection = connection
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
                match verdict:
                    case Terminal.RETURN:
                        returned |= mask
                    case Goto(target):
                        returned |= self.chain(self._walker.named_chain(target), mask)
                    case Jump(target):
                        back |= self.chain(self._walker.named_chain(target), mask)
                    case _:
                        pass  # the connection is judged
            here |= back
        return returned | here

    def _hits(self, rule: Rule, here: int, *, base: bool) -> Iterable[tuple[Verdict | None, int]]:
        """Return the verdicts that the rule gives, and to whom."""
        for match in rule.matches:
            self._meet(match, here)
            here &= self._walker.passing(match, self._connection)
            if not here:
                return []
        if not isinstance(rule.verdict, Lookup):
            return [(rule.verdict, here)]
        self._meet(rule.verdict, here)
        if base and rule.verdict.fields != (self._connection.own,):
            return []
        found = self._walker.find(rule.verdict, self._connection)
        return [(verdict, both) for verdict, mask in found.items() if (both := mask & here)]

    def _meet(self, test: Match | Lookup, here: int) -> None:
        if self._walker.is_look_up(test, self._connection):
            self.lookups.add(here)


def _is_peer(field: Field, connection: _Connection) -> bool:
    return field.type is KeyType.ADDRESS and field is not connection.own
