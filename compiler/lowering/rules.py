"""One policy rule → the IR rules that match the same packets, for one family and direction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import assert_never

from msgspec import Struct

from ..ir.match import AddressMatch, Field, KeyType, Match, Origin, PortMatch, SetMatch
from ..ir.names import NETWORKS, hashed_name
from ..ir.program import Rule, Set, Verdict
from ..model.policy import (
    Direction,
    DomainNamesPeer,
    LabelSelector,
    NamedPort,
    NetworksPeer,
    NodesPeer,
    NotSameLabels,
    OneNamespace,
    Peer,
    PodsPeer,
    PolicyPort,
    PolicyRule,
    Ports,
    SameLabels,
)
from ..model.resolver import Resolver, network_intervals
from ..model.selectors import describe
from ..model.snapshot import ContainerPort
from ..model.subjects import Subject
from ..net import Family, Interval, Protocol, normalize

_SADDR, _DADDR = Field.SADDR, Field.DADDR
_INGRESS = Direction.INGRESS
_OF_ADDRESSES = (KeyType.ADDRESS,)


class Context(Struct, frozen=True, gc=False):
    """For whom a rule is lowered: one family and direction of one subject."""

    family: Family
    direction: Direction
    subject: Subject

    @property
    def peer_field(self) -> Field:
        """Where the peer stands in a packet that this direction judges."""
        return _SADDR if self.direction is _INGRESS else _DADDR


class RuleLowering:
    """Lowers rules of one snapshot, and keeps the sets that they need, by name."""

    def __init__(self, resolver: Resolver) -> None:
        """Start with no sets."""
        self._resolver = resolver
        self.sets: dict[str, Set] = {}
        self._tests: dict[_Tested, tuple[_Matches, ...]] = {}

    def lower(
        self, rule: PolicyRule, context: Context, verdict: Verdict, origin: Origin
    ) -> tuple[Rule, ...]:
        """Return the IR rules: one for each peer and protocol, none where nothing can match."""
        key = (rule.peers, rule.ports, context)
        tests = self._tests.get(key)
        if tests is None:
            tests = self._tests[key] = self._make_tests(rule, context)
        return tuple([Rule(matches, verdict, (origin,)) for matches in tests])

    def _make_tests(self, rule: PolicyRule, context: Context) -> tuple[_Matches, ...]:
        """Return what the IR rules test, which many policies may have in common."""
        ports, named = _split(rule.ports, context)
        alternatives: list[_Matches] = []
        peers = (None,) if rule.peers is None else rule.peers
        for addresses in self._all_peers(peers, context):
            alternatives += [addresses + match for match in ports]
        for peer in peers:
            for port in named:
                alternatives += self._named(peer, port, context)
        return tuple(dict.fromkeys(alternatives))

    def _all_peers(self, peers: Sequence[Peer | None], context: Context) -> Iterable[_Matches]:
        """Return the tests for all peers of a rule; many lists of networks become one."""
        networks = [peer for peer in peers if isinstance(peer, NetworksPeer)]
        if len(networks) < _MANY_NETWORKS:
            found = [self._peer(peer, context) for peer in peers]
        else:
            others = [peer for peer in peers if not isinstance(peer, NetworksPeer)]
            found = [self._peer(peer, context) for peer in others]
            found.append(self._networks(networks, context))
        return [addresses for addresses in found if addresses is not None]

    def _peer(self, peer: Peer | None, context: Context) -> _Matches | None:
        """Return what tests for the peer: nothing for any address, None where none can match."""
        match peer:
            case None:
                return ()
            case PodsPeer():
                pods = partial(self._addresses, peer, context)
                return (self._in_set("pods", self._describe_pods(peer, context), pods, context),)
            case NodesPeer(nodes):
                found = partial(self._resolver.node_addresses, nodes, context.family)
                return (self._in_set("nodes", _words("nodes", describe(nodes)), found, context),)
            case NetworksPeer():
                return self._networks((peer,), context)
            case DomainNamesPeer(names):
                return (self._domain_names(names, context),)
            case _:
                assert_never(peer)

    def _addresses(self, peer: PodsPeer, context: Context) -> Iterable[Interval]:
        chosen = self._resolver.select(peer, context.subject.namespace)
        return self._resolver.addresses(chosen, context.family)

    def _networks(self, peers: Sequence[NetworksPeer], context: Context) -> _Matches | None:
        """Return what tests for any of the lists of networks."""
        family = context.family
        intervals = normalize(
            interval for peer in peers for interval in network_intervals(peer, family)
        )
        if not intervals:
            return None
        if intervals == ((0, family.max_address),):
            return ()
        if len(intervals) == 1:
            return (AddressMatch(context.peer_field, family, intervals),)
        note = _describe_all_networks(peers, family)
        return (self._in_set(NETWORKS, note, lambda: intervals, context),)

    def _named(self, peer: Peer | None, port: NamedPort, context: Context) -> list[_Matches]:
        """Return the tests for a port name that the destination's pod, the peer, gives meaning."""
        match peer:
            case None | NetworksPeer():
                chosen, note = self._resolver.everything(), "pods"
            case PodsPeer():
                chosen = self._resolver.select(peer, context.subject.namespace)
                note = self._describe_pods(peer, context)
            case NodesPeer() | DomainNamesPeer():
                return []  # no container declares ports there
            case _:
                assert_never(peer)
        found: list[_Matches] = []
        for protocol, number, having in self._resolver.with_port(chosen, port.name, port.protocol):
            where = f"{note} with port {port.name}={protocol.name}/{number}"
            if isinstance(peer, NetworksPeer):
                where = f"{where} within {_describe_networks(peer, context.family)}"
                addresses = partial(self._resolver.addresses_within, having, peer, context.family)
            else:
                addresses = partial(self._resolver.addresses, having, context.family)
            address_match = self._in_set("pods", where, addresses, context)
            found.append((address_match, PortMatch(protocol, ((number, number),))))
        return found

    def _in_set(
        self, kind: str, note: str, found: Callable[[], Iterable[Interval]], context: Context
    ) -> SetMatch:
        """Return the test for the set of this note; what it holds is only found to make it."""
        name = hashed_name(kind, context.family, note)
        known = self.sets.get(name)
        if known is None:
            self.sets[name] = address_set(name, context.family, found(), note)
        elif known.note != note:  # whoever finds two selectors of one hash gets no ruleset
            raise AssertionError(f"'{known.note}' and '{note}' are both called {name}")
        return SetMatch((context.peer_field,), name)

    def _domain_names(self, names: Iterable[str], context: Context) -> SetMatch:
        note = f"domain names {' '.join(names)}"
        name = hashed_name("dns", context.family, note)
        self.sets[name] = Set(name, context.family, _OF_ADDRESSES, (), note, dynamic=True)
        return SetMatch((context.peer_field,), name)

    def _describe_pods(self, peer: PodsPeer, context: Context) -> str:
        namespaces = peer.namespaces
        match namespaces:
            case LabelSelector():
                where = describe(namespaces)
            case OneNamespace(name):
                where = f"namespace {name}"
            case SameLabels(keys) | NotSameLabels(keys):
                labels = self._resolver.namespace(context.subject.namespace).labels
                word = "same" if isinstance(namespaces, SameLabels) else "not same"
                where = f"{word} {_describe_values(keys, labels)}"
            case _:
                assert_never(namespaces)
        return _words("pods", describe(peer.pods), "in" if where else "", where)


_MANY_NETWORKS = 5
"""From how many lists of networks on a rule has them as one set: the kernel takes quadratic time to
load sets, and a rule each is scanned."""

_Matches = tuple[Match, ...]
_Tested = tuple[tuple[Peer, ...] | None, tuple[PolicyPort, ...] | None, Context]


def address_set(name: str, family: Family, intervals: Iterable[Interval], note: str) -> Set:
    """Return the set of addresses, whose note says in words what they are."""
    return Set(name, family, _OF_ADDRESSES, tuple(zip(intervals)), note)


def _split(
    ports: Sequence[PolicyPort] | None, context: Context
) -> tuple[list[_Matches], list[NamedPort]]:
    """Return the tests for ports that are numbers by now, and the names left to the peer.

    The destination gives a name its number: at ingress that is the subject.
    """
    if ports is None:
        return [()], []
    numbers: dict[Protocol, list[Interval]] = {}
    names: list[NamedPort] = []
    for port in ports:
        if isinstance(port, Ports):
            numbers.setdefault(port.protocol, []).append(port.interval)
        elif context.direction is Direction.EGRESS:
            names.append(port)
        else:
            for declared in _meanings(port, context.subject):
                interval = (declared.number, declared.number)
                numbers.setdefault(declared.protocol, []).append(interval)
    tests: list[_Matches] = [
        (PortMatch(protocol, normalize(intervals)),)
        for protocol, intervals in sorted(numbers.items())
    ]
    return tests, names


def _meanings(port: NamedPort, subject: Subject) -> list[ContainerPort]:
    return [
        declared
        for declared in subject.ports
        if declared.name == port.name and port.protocol in {None, declared.protocol}
    ]


def _words(*words: str) -> str:
    return " ".join(filter(None, words))


def _describe_values(keys: Iterable[str], labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={labels[key]}" if key in labels else f"!{key}" for key in sorted(keys))


def _describe_all_networks(peers: Iterable[NetworksPeer], family: Family) -> str:
    """Return the plain networks as one list, and in words of its own each that has exceptions."""
    plain = tuple(item for peer in peers if not peer.excepted for item in peer.prefixes)
    described = [_describe_networks(NetworksPeer(plain), family)] if plain else []
    described += sorted(_describe_networks(peer, family) for peer in peers if peer.excepted)
    return " and ".join(dict.fromkeys(described))


def _describe_networks(peer: NetworksPeer, family: Family) -> str:
    inside = " ".join(sorted(str(item) for item in peer.prefixes if item.family is family))
    outside = " ".join(sorted(str(item) for item in peer.excepted if item.family is family))
    return f"networks {inside}" + (f" except {outside}" if outside else "")
