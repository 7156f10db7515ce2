"""What a test cluster consists of: nodes, pods and the addresses of the world outside."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cnpc.compiler.model.snapshot import Address, Snapshot
from cnpc.compiler.net import format_address

OUTSIDE = "outside"
OUTSIDE_ADDRESSES = ("198.51.100.1", "2001:db8:ffff::1")


@dataclass(frozen=True, slots=True)
class Node:
    """A router with every address it is known by."""

    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod; on the host network it lives in its node's namespace, with the node's addresses."""

    namespace: str
    name: str
    node: str
    addresses: tuple[str, ...]
    host_network: bool = False

    @property
    def full_name(self) -> str:
        """``namespace/name``, by which probes speak of the pod."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Topology:
    """A cluster's shape; ``outside`` are the outside host's default sources, one a family.

    The outside host answers for every address that is no node's and no pod's.
    """

    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...] = ()
    outside: tuple[str, ...] = OUTSIDE_ADDRESSES

    def __post_init__(self) -> None:
        names = [node.name for node in self.nodes] + [pod.full_name for pod in self.pods]
        if len(set(names)) != len(names) or OUTSIDE in names:
            raise ValueError(f"names must differ from each other and from '{OUTSIDE}'")
        strays = {pod.node for pod in self.pods} - {node.name for node in self.nodes}
        if strays:
            raise ValueError(f"pods on unknown nodes: {', '.join(sorted(strays))}")

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot, host_pods: Iterable[Pod] = ()) -> Topology:
        """Return the snapshot's nodes and endpoints, and the host-network pods given."""
        nodes = tuple(Node(node.name, _texts(node.addresses)) for node in snapshot.nodes)
        pods = tuple(
            Pod(pod.namespace, pod.name, pod.node, _texts(pod.addresses))
            for pod in snapshot.endpoints
        )
        return cls(nodes, (*pods, *host_pods))

    def addresses(self, name: str) -> tuple[str, ...]:
        """Return the addresses of a node, a pod or the outside host; KeyError if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node.addresses
        for pod in self.pods:
            if pod.full_name == name:
                return pod.addresses
        if name == OUTSIDE:
            return self.outside
        raise KeyError(name)

    def address(self, name: str, family: socket.AddressFamily) -> str:
        """Return the first address of the family; LookupError if there is none."""
        for address in self.addresses(name):
            if family_of(address) is family:
                return address
        raise LookupError(f"{name} has no {family.name} address")


def _texts(addresses: Iterable[Address]) -> tuple[str, ...]:
    return tuple(format_address(family, number) for family, number in addresses)


def family_of(address: str) -> socket.AddressFamily:
    """Return the socket family of an address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@lru_cache(maxsize=65536)
def packed(address: str) -> bytes:
    """Return the address in network byte order."""
    return socket.inet_pton(family_of(address), address)


def routable(address: str) -> bool:
    """Tell whether a packet to or from the address can be routed at all (RFC 6890).

    The kernel drops "this network", loopback, multicast and broadcast as martians, and link-local
    IPv6 and IPv4-mapped addresses never leave the link.
    """
    octets = packed(address)
    if len(octets) == 4:
        return octets[0] not in (0, 127) and not 224 <= octets[0] < 240 and octets != b"\xff" * 4
    link_local = octets[0] == 0xFE and octets[1] & 0xC0 == 0x80
    reserved = octets[:10] == bytes(10) and octets[10:12] in (b"\0\0", b"\xff\xff")
    return octets[0] != 0xFF and not link_local and not reserved
