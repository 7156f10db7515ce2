"""Does a rule match a packet: its peers at the other end, its ports at the destination."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from oracle.cluster import Address, Cluster, Node, Pod
from oracle.flow import PROTOCOL_NUMBERS, Flow
from oracle.policies import NetworkPolicy, known_network_peer, known_network_port
from oracle.selectors import Labels, Manifest, selects, selects_namespace


@dataclass(frozen=True, slots=True)
class End:
    """One end of a flow: its address, and the endpoint or node that has it.

    ``contested`` are the nodes of the pods that claim the address, if nobody knows whose it is.
    """

    address: Address
    pod: Pod | None
    node: Node | None
    contested: tuple[str, ...] = ()

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that judge what this end sends and gets."""
        return (self.pod.node,) if self.pod else self.contested


def subject_selects(subject: Manifest, pod: Pod, cluster: Cluster) -> bool:
    """Tell whether a cluster policy's subject selects the endpoint."""
    return pods_peer_matches(subject, pod, cluster, subject_namespace={})


def pods_peer_matches(
    peer: Manifest, pod: Pod, cluster: Cluster, subject_namespace: Labels
) -> bool:
    """Tell whether a ``namespaces`` or ``pods`` peer, or a subject, selects the endpoint."""
    if "namespaces" in peer:
        namespaces, pods = peer["namespaces"], {}
    else:
        selectors = peer["pods"]
        namespaces = selectors.get("namespaceSelector", selectors.get("namespaces", {}))
        pods = selectors.get("podSelector", {})
    labels = cluster.namespaces[pod.namespace]
    return selects_namespace(namespaces, labels, subject_namespace) and selects(pods, pod.labels)


def peer_matches(peer: Manifest, end: End, cluster: Cluster, subject: Pod) -> bool:
    """Tell whether a peer of a cluster policy matches the other end of the flow."""
    if "networks" in peer:
        return in_any(end.address, peer["networks"])
    if "nodes" in peer:
        return any(
            end.address in node.addresses and selects(peer["nodes"], node.labels)
            for node in cluster.nodes
        )
    if "domainNames" in peer:  # a set that the node side fills; with nothing in it
        return False
    if end.pod is None:
        return False
    return pods_peer_matches(peer, end.pod, cluster, cluster.namespaces[subject.namespace])


def network_peer_matches(peer: Manifest, end: End, cluster: Cluster, policy: NetworkPolicy) -> bool:
    """Tell whether a peer of a NetworkPolicy matches the other end of the flow."""
    if not known_network_peer(peer):
        return False
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        excepted = block.get("except") or []
        return in_any(end.address, [block["cidr"]]) and not in_any(end.address, excepted)
    if end.pod is None:
        return False
    if "namespaceSelector" in peer:
        labels = cluster.namespaces[end.pod.namespace]
        in_namespace = selects(peer["namespaceSelector"], labels)
    else:
        in_namespace = end.pod.namespace == policy.namespace
    return in_namespace and selects(peer.get("podSelector", {}), end.pod.labels)


def in_any(address: Address, cidrs: Iterable[str]) -> bool:
    """Tell whether one of the CIDRs, of the address's own family, holds the address."""
    networks = map(_network, cidrs)
    return any(net.version == address.version and address in net for net in networks)


@lru_cache(maxsize=4096)
def _network(cidr: str) -> IPv4Network | IPv6Network:
    return ip_network(cidr, strict=False)  # host bits are masked


def protocol_matches(entry: Manifest, flow: Flow, destination: Pod | None) -> bool:
    """Tell whether an entry of ``protocols``, or of the draft's ``ports``, matches the flow."""
    ((kind, value),) = entry.items()
    match kind:
        case "destinationNamedPort" | "namedPort":  # the protocol is the container port's
            return named_port_matches(value, None, flow, destination)
        case "portNumber":
            protocol = PROTOCOL_NUMBERS[value.get("protocol", "TCP")]
            return flow.protocol == protocol and flow.port == value["port"]
        case "portRange":
            protocol = PROTOCOL_NUMBERS[value.get("protocol", "TCP")]
            return flow.protocol == protocol and in_range(flow, value["start"], value["end"])
        case _:  # tcp, udp, sctp
            if flow.protocol != PROTOCOL_NUMBERS[kind.upper()]:
                return False
            port = value["destinationPort"]
            if "range" in port:
                return in_range(flow, port["range"]["start"], port["range"]["end"])
            return bool(flow.port == port["number"])


def network_port_matches(entry: Manifest, flow: Flow, destination: Pod | None) -> bool:
    """Tell whether an entry of a NetworkPolicy rule's ``ports`` matches the flow."""
    if not known_network_port(entry):
        return False
    protocol = PROTOCOL_NUMBERS[entry.get("protocol", "TCP")]
    if "port" not in entry:
        return flow.protocol == protocol
    port: int | str = entry["port"]
    if isinstance(port, str):
        return named_port_matches(port, protocol, flow, destination)
    return flow.protocol == protocol and in_range(flow, port, entry.get("endPort", port))


def named_port_matches(
    name: str, protocol: int | None, flow: Flow, destination: Pod | None
) -> bool:
    """Tell whether the flow goes to that named port of its destination pod."""
    if destination is None:
        return False
    return any(
        declared == name
        and flow.protocol == number
        and flow.port == port
        and protocol in (None, number)
        for declared, number, port in destination.ports
    )


def in_range(flow: Flow, start: int, end: int) -> bool:
    """Tell whether the destination port lies in the range, both ends included."""
    return flow.port is not None and start <= flow.port <= end
