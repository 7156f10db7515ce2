"""Which endpoints and addresses a subject or a peer selects in one snapshot.

Endpoints are sorted by namespace, so a namespace is a run of bits, and a selection is a bit mask
over endpoints. Everything is computed once and shared by all nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress
from typing import assert_never

from msgspec import Struct

from ..bitset import bits, flags, mask_of
from ..net import Family, Interval, Protocol, contains, normalize, subtract
from .policy import (
    LabelSelector,
    NamespaceSelection,
    NetworksPeer,
    NotSameLabels,
    OneNamespace,
    Operator,
    PodsPeer,
    Requirement,
    SameLabels,
)
from .selectors import LabelIndex, matches
from .snapshot import Endpoint, Namespace, Snapshot

_LARGE_NAMESPACE = 256
"""From how many endpoints on it is quicker to look in the index of all than at each of them."""


class Selection(Struct, frozen=True, gc=False):
    """Endpoints by position in the snapshot: bit i of ``mask`` is endpoint ``offset`` + i."""

    offset: int
    mask: int

    def bits(self) -> bytes:
        """Return one byte, 0 or 1, for each position from the offset on."""
        return flags(self.mask)


class Resolver:
    """Answers for one snapshot; keeps the indexes that answers come from."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Index the snapshot's endpoints by namespace and by node."""
        self.snapshot = snapshot
        self._namespaces = {item.name: item for item in snapshot.namespaces}
        self._namespace_index = LabelIndex([item.labels for item in snapshot.namespaces])
        self._node_index = LabelIndex([item.labels for item in snapshot.nodes])
        self._pod_index = LabelIndex([item.labels for item in snapshot.endpoints])
        self._runs = _runs(snapshot.endpoints)
        self._local = _positions_by_node(snapshot.endpoints)
        self._addresses: Mapping[Family, Sequence[tuple[Interval, ...]]] = {}
        self._spread_cache: dict[int, int] = {}
        self._ports: dict[str, dict[tuple[Protocol, int], int]] | None = None

    def node_names(self) -> tuple[str, ...]:
        """Return every node that the snapshot names, by an object or as the place of a pod."""
        named = {item.name for item in self.snapshot.nodes}
        contested = {node for node, _ in self.snapshot.contested if node}
        return tuple(sorted(named | contested | self._local.keys()))

    def local(self, node: str) -> Sequence[int]:
        """Return the positions of the endpoints on the node."""
        return self._local.get(node, ())

    def namespace(self, name: str) -> Namespace:
        """Return a namespace of the snapshot by its name."""
        return self._namespaces[name]

    def select(self, peer: PodsPeer, subject_namespace: str = "") -> Selection:
        """Return the endpoints that the peer selects for a subject in that namespace.

        The offset is 0 unless the peer names one namespace. Only SameLabels and NotSameLabels need
        the subject's namespace; a policy's own subject has neither.
        """
        if isinstance(peer.namespaces, OneNamespace):
            return self._select_in(peer.namespaces.name, peer.pods)
        namespaces = self._select_namespaces(peer.namespaces, subject_namespace)
        mask = self._spread(namespaces)
        if peer.pods.requirements:
            mask &= self._pod_index.select(peer.pods)
        return Selection(0, mask)

    def everything(self) -> Selection:
        """Return all endpoints."""
        return Selection(0, (1 << len(self.snapshot.endpoints)) - 1)

    def with_port(
        self, selection: Selection, name: str, protocol: Protocol | None
    ) -> tuple[tuple[Protocol, int, Selection], ...]:
        """Return what the port name stands for on the selected endpoints, split by its meaning."""
        if self._ports is None:
            self._ports = _index_ports(self.snapshot.endpoints)
        found = []
        for (declared, number), mask in sorted(self._ports.get(name, {}).items()):
            if protocol is None or declared is protocol:
                having = (mask >> selection.offset) & selection.mask
                if having:
                    found.append((declared, number, Selection(selection.offset, having)))
        return tuple(found)

    def addresses(self, selection: Selection, family: Family) -> tuple[Interval, ...]:
        """Return the addresses of the selected endpoints in order, each as its own interval."""
        offset = selection.offset
        return self.addresses_at([offset + place for place in bits(selection.mask)], family)

    def addresses_at(self, positions: Iterable[int], family: Family) -> tuple[Interval, ...]:
        """Return the addresses of the endpoints at some positions, as ``addresses`` does."""
        chosen = map(self._addresses_in(family).__getitem__, positions)
        return tuple(sorted(set(chain.from_iterable(chosen))))

    def _addresses_in(self, family: Family) -> Sequence[tuple[Interval, ...]]:
        """Return the family's addresses of each endpoint, by its position."""
        if not self._addresses:
            self._addresses = _addresses_by_family(self.snapshot.endpoints)
        return self._addresses[family]

    def addresses_within(
        self, selection: Selection, networks: NetworksPeer, family: Family
    ) -> tuple[Interval, ...]:
        """Return those addresses of the selected endpoints that lie within the networks."""
        inside = network_intervals(networks, family)
        return tuple(
            interval
            for interval in self.addresses(selection, family)
            if contains(inside, interval[0])
        )

    def node_addresses(self, selector: LabelSelector, family: Family) -> tuple[Interval, ...]:
        """Return all addresses of the selected nodes in order, each as its own interval."""
        chosen = compress(
            self.snapshot.nodes, Selection(0, self._node_index.select(selector)).bits()
        )
        found = {address for item in chosen for kind, address in item.addresses if kind is family}
        return tuple((address, address) for address in sorted(found))

    def _select_in(self, namespace: str, pods: LabelSelector) -> Selection:
        start, end = self._runs.get(namespace, (0, 0))
        if not pods.requirements:
            return Selection(start, (1 << (end - start)) - 1)
        if end - start > _LARGE_NAMESPACE:
            within = (1 << (end - start)) - 1
            return Selection(start, (self._pod_index.select(pods) >> start) & within)
        mask = 0
        for position in range(start, end):
            if matches(pods, self.snapshot.endpoints[position].labels):
                mask |= 1 << (position - start)
        return Selection(start, mask)

    def _select_namespaces(self, selection: NamespaceSelection, subject: str) -> int:
        match selection:
            case LabelSelector():
                return self._namespace_index.select(selection)
            case SameLabels(keys):
                same = self._same(keys, subject)
                return 0 if same is None else self._namespace_index.select(same)
            case NotSameLabels(keys):
                same = self._same(keys, subject)
                if same is None:
                    return 0
                present = LabelSelector(tuple(Requirement(key, Operator.EXISTS) for key in keys))
                return self._namespace_index.select(present) & ~self._namespace_index.select(same)
            case OneNamespace():
                raise AssertionError("one namespace is selected by its run of endpoints")
            case _:
                assert_never(selection)

    def _same(self, keys: tuple[str, ...], subject: str) -> LabelSelector | None:
        """Return the selector for the subject's own values; None where it lacks one or no key."""
        labels = self.namespace(subject).labels
        if not keys or any(key not in labels for key in keys):
            return None
        return LabelSelector(tuple(Requirement(key, Operator.IN, (labels[key],)) for key in keys))

    def _spread(self, namespaces: int) -> int:
        """Return the endpoints of the namespaces of a mask."""
        mask = self._spread_cache.get(namespaces)
        if mask is None:
            positions: list[int] = []
            for item in compress(self.snapshot.namespaces, Selection(0, namespaces).bits()):
                positions.extend(range(*self._runs.get(item.name, (0, 0))))
            mask = mask_of(positions, len(self.snapshot.endpoints))
            self._spread_cache[namespaces] = mask
        return mask


def network_intervals(peer: NetworksPeer, family: Family) -> tuple[Interval, ...]:
    """Return the addresses of the peer in one family, in normal form."""
    inside = normalize(item.interval for item in peer.prefixes if item.family is family)
    outside = normalize(item.interval for item in peer.excepted if item.family is family)
    return subtract(inside, outside)


def _runs(endpoints: Sequence[Endpoint]) -> Mapping[str, tuple[int, int]]:
    """Return, for each namespace, the positions of its first endpoint and behind its last."""
    starts: dict[str, int] = {}
    ends: dict[str, int] = {}
    for position, endpoint in enumerate(endpoints):
        starts.setdefault(endpoint.namespace, position)
        ends[endpoint.namespace] = position + 1
    return {name: (start, ends[name]) for name, start in starts.items()}


def _positions_by_node(endpoints: Iterable[Endpoint]) -> Mapping[str, Sequence[int]]:
    found: dict[str, list[int]] = {}
    for position, endpoint in enumerate(endpoints):
        if endpoint.node:
            found.setdefault(endpoint.node, []).append(position)
    return found


def _addresses_by_family(
    endpoints: Sequence[Endpoint],
) -> Mapping[Family, Sequence[tuple[Interval, ...]]]:
    found: dict[Family, list[tuple[Interval, ...]]] = {
        family: [()] * len(endpoints) for family in Family
    }
    for position, endpoint in enumerate(endpoints):
        for family, address in endpoint.addresses:
            found[family][position] += ((address, address),)
    return found


def _index_ports(endpoints: Iterable[Endpoint]) -> dict[str, dict[tuple[Protocol, int], int]]:
    """Return, by port name and meaning, the mask of the endpoints that declare it so."""
    positions: dict[str, dict[tuple[Protocol, int], list[int]]] = {}
    total = 0
    for total, endpoint in enumerate(endpoints, start=1):
        for port in endpoint.ports:
            meanings = positions.setdefault(port.name, {})
            meanings.setdefault((port.protocol, port.number), []).append(total - 1)
    return {
        name: {meaning: mask_of(found, total) for meaning, found in meanings.items()}
        for name, meanings in positions.items()
    }
