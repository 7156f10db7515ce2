"""The flows that test a world: packets at the edges of every address and port range in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import cycle
from random import Random
from typing import Any

from oracle import Flow, State
from oracle.cluster import Address, Cluster, Pod, read_address, read_cluster
from oracle.flow import ICMP, ICMPV6, PROTOCOL_NUMBERS, TCP

from worlds.addresses import IPV4_OUTSIDE, IPV6_OUTSIDE
from worlds.unknown import LAX_CIDRS
from worlds.world import World

_GRE = 47
_ECHO = {4: (ICMP, 8), 6: (ICMPV6, 128)}
_LOWEST_PORT, _HIGHEST_PORT = 1, 65535


@dataclass(frozen=True, slots=True)
class Transport:
    """What a flow asks for above IP; protocol 0 stands for the family's echo request."""

    protocol: int
    port: int | None = None


def flows(world: World) -> list[Flow]:
    """Return the world's flows, always the same ones.

    Every address is met in both directions (of pods, nodes, outside, the first and last of every
    CIDR and those just outside it), and so is every edge of a port range and, inwards, every
    container port; the profile's number of flows are drawn from all combinations. What is special
    (own node, neighbour discovery, connection states) comes last.
    """
    random = Random(0)  # noqa: S311 - reproducible, not secret
    cluster = read_cluster(world.documents)
    if not cluster.pods:
        return []
    addresses = sorted(set(_addresses(world, cluster)), key=lambda item: (item.version, item))
    transports = sorted(set(_transports(world)), key=lambda item: (item.protocol, item.port or 0))
    pairs = [
        (own, other)
        for other in addresses
        for pod in random.sample(cluster.pods, len(cluster.pods))
        for own in pod.addresses
        if own.version == other.version
    ]
    if not pairs:
        return []
    between_pods = [pair for pair in pairs if cluster.pod_at(pair[1])]
    drawn = [
        *_cover(pairs, transports, random),
        *(
            _draw(random.choice((pairs, between_pods)), transports, random)
            for _ in range(world.profile.flows)
        ),
    ]
    named = _to_container_ports(world, cluster, addresses, random)
    return list(dict.fromkeys([*drawn, *named, *_special(cluster, transports, random)]))


def _addresses(world: World, cluster: Cluster) -> Iterator[Address]:
    for pod in cluster.pods:
        yield from pod.addresses
    for node in cluster.nodes:
        yield from node.addresses
    yield ip_address(IPV4_OUTSIDE[0])
    yield ip_address(IPV6_OUTSIDE[0])
    for text in _cidrs(world.objects()):
        if text in LAX_CIDRS:
            continue
        network = ip_network(text, strict=False)
        first, last = int(network[0]), int(network[-1])
        kind = IPv4Address if network.version == 4 else IPv6Address
        for number in (first - 1, first, last, last + 1):
            if 0 <= number < 1 << network.max_prefixlen:
                yield kind(number)


def _cidrs(value: Any) -> Iterator[str]:  # noqa: ANN401 - any part of a manifest
    """Give every CIDR anywhere in the manifests."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("networks", "except") and isinstance(item, list):
                yield from item
            elif key == "cidr":
                yield item
            else:
                yield from _cidrs(item)
    elif not isinstance(value, str) and isinstance(value, Iterable):
        for item in value:
            yield from _cidrs(item)


def _transports(world: World) -> Iterator[Transport]:
    """Give the edges of all port ranges and those beside them, in every protocol with ports."""
    yield Transport(0)
    yield Transport(_GRE)
    for start, end in {(80, 80), *_port_ranges(world.objects())}:
        for port in (start - 1, start, end, end + 1):
            if _LOWEST_PORT <= port <= _HIGHEST_PORT:
                for protocol in PROTOCOL_NUMBERS.values():
                    yield Transport(protocol, port)


def _port_ranges(value: Any) -> Iterator[tuple[int, int]]:  # noqa: ANN401 - any part of a manifest
    """Give every port, named ones by their numbers, and range of ports in the manifests."""
    if isinstance(value, dict):
        match value:
            case {"start": int(start), "end": int(end)}:
                yield start, end
            case {"port": int(start)}:
                yield start, value.get("endPort", start)
            case {"number": int(number)} | {"containerPort": int(number)}:
                yield number, number
        for item in value.values():
            yield from _port_ranges(item)
    elif not isinstance(value, str) and isinstance(value, Iterable):
        for item in value:
            yield from _port_ranges(item)


def _cover(
    pairs: list[tuple[Address, Address]], transports: list[Transport], random: Random
) -> Iterator[Flow]:
    """Give flows in which each address and each transport occurs in both directions."""
    shuffled = random.sample(transports, len(transports))
    others = {other: own for own, other in reversed(pairs)}
    endless = cycle(shuffled)
    for other, own in others.items():
        yield _flow(own, other, next(endless))
        yield _flow(other, own, next(endless))
    for transport in shuffled:
        own, other = random.choice(pairs)
        yield _flow(own, other, transport)
        yield _flow(other, own, transport)


def _draw(
    pairs: list[tuple[Address, Address]], transports: list[Transport], random: Random
) -> Flow:
    own, other = random.choice(pairs)
    if random.random() > 1 / 2:
        own, other = other, own
    return _flow(own, other, random.choice(transports))


def _to_container_ports(
    world: World, cluster: Cluster, addresses: list[Address], random: Random
) -> Iterator[Flow]:
    """Give flows to each container port of each endpoint, init containers' too, from anywhere."""
    for document in world.kind("Pod"):
        spec, status = document["spec"], document["status"]
        containers = spec["containers"] + spec.get("initContainers", [])
        ports = [port for item in containers for port in item.get("ports", [])]
        pod = cluster.pod_at(read_address(status["podIP"])) if "podIP" in status else None
        for destination in pod.addresses if pod else ():
            sources = [item for item in addresses if item.version == destination.version]
            for port in ports:
                protocol = PROTOCOL_NUMBERS[port.get("protocol", "TCP")]
                transport = Transport(protocol, port["containerPort"])
                for _ in range(2):
                    yield _flow(_any_pod_or(sources, cluster, random), destination, transport)


def _any_pod_or(addresses: list[Address], cluster: Cluster, random: Random) -> Address:
    """Return a pod's address if the first try finds one, else any."""
    found = random.choice(addresses)
    return found if cluster.pod_at(found) else random.choice(addresses)


def _special(cluster: Cluster, transports: list[Transport], random: Random) -> Iterator[Flow]:
    """Give each pod's flows to and from its own node and itself, and what is judged specially."""
    for pod in random.sample(cluster.pods, len(cluster.pods)):
        node = next((item for item in cluster.nodes if item.name == pod.node), None)
        for address in pod.addresses:
            for own in pod.addresses:
                if own.version == address.version:
                    for transport in random.sample(transports, min(3, len(transports))):
                        flow = _flow(address, own, transport)
                        yield replace(flow, through_service=True)
            for local in node.addresses if node else ():
                if local.version == address.version:
                    yield _flow(address, local, random.choice(transports))
                    yield _flow(local, address, random.choice(transports))
    first = cluster.pods[0]
    for other in cluster.pods[1:3] or [first]:
        yield from _states(first, other)


def _states(first: Pod, other: Pod) -> Iterator[Flow]:
    for source in first.addresses:
        for destination in other.addresses:
            if source.version != destination.version:
                continue
            ends = (str(source), str(destination))
            twice = source == destination
            for state in (State.ESTABLISHED, State.RELATED, State.INVALID, State.UNTRACKED):
                yield Flow(*ends, TCP, 80, state=state, through_service=twice)
            protocol, _ = _ECHO[source.version]
            error = 3 if protocol == ICMP else 1
            yield Flow(*ends, protocol, None, error, state=State.RELATED, through_service=twice)
            if protocol == ICMPV6:
                yield from _discovery(str(source), str(destination))


def _discovery(source: str, destination: str) -> Iterator[Flow]:
    """Give neighbour discovery and MLD as the kernel has them: untracked, but redirects invalid."""
    for destination_or_group in (destination, "ff02::1"):
        for kind in (130, 133, 135, 136, 143):
            yield Flow(source, destination_or_group, ICMPV6, None, kind, state=State.UNTRACKED)
        yield Flow(source, destination_or_group, ICMPV6, None, 137, state=State.INVALID)


def _flow(source: Address, destination: Address, transport: Transport) -> Flow:
    protocol, icmp_type = (
        (transport.protocol, None) if transport.protocol else _ECHO[source.version]
    )
    return Flow(
        str(source),
        str(destination),
        protocol,
        transport.port,
        icmp_type,
        through_service=source == destination,
    )
