"""New connections as people name them: pods, nodes and addresses, protocols and ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import CnpcError
from .manifests.load import Inputs
from .model.snapshot import Address, Endpoint, Node, Snapshot
from .net import MAX_PORT, PORT_PROTOCOLS, Family, Protocol, parse_address

_MOST_PROTOCOL = 255


@dataclass(frozen=True, slots=True)
class Flow:
    """A new connection: who opens it, to whom, and the service that it asks for.

    An end is a pod ("namespace/name"), the name of a node, or an IP address. The protocol is
    "tcp", "udp", "sctp", "icmp" (of both families: an echo request) or a number. TCP, UDP and SCTP
    have a port, the pod's own: packets are judged after a Service's address was replaced.
    """

    source: str
    destination: str
    protocol: str | int = "tcp"
    port: int | None = None

    def __str__(self) -> str:
        port = "" if self.port is None else f"/{self.port}"
        return f"{self.source} -> {self.destination} {self.protocol}{port}"


ICMP = {Family.IPV4: Protocol.ICMP, Family.IPV6: Protocol.ICMPV6}
"""The number that "icmp" stands for."""
_PROTOCOLS = {item.name.lower(): item for item in PORT_PROTOCOLS}


def protocol_of(flow: Flow) -> int | None:
    """Return the number of a flow's protocol; None for ICMP, which has one for each family.

    CnpcError where protocol and port do not go together, or are none.
    """
    number = _number(flow.protocol)
    if (number in PORT_PROTOCOLS) != (flow.port is not None):
        needs = "has no port" if flow.port is not None else "needs a port"
        raise CnpcError(f"protocol {flow.protocol} {needs}: {flow}")
    if flow.port is not None and not 0 <= flow.port <= MAX_PORT:
        raise CnpcError(f"port {flow.port} is not from 0 to {MAX_PORT}")
    return number


def _number(protocol: str | int) -> int | None:
    if isinstance(protocol, int):
        if not 0 <= protocol <= _MOST_PROTOCOL:
            raise CnpcError(f"protocol {protocol} is not from 0 to {_MOST_PROTOCOL}")
        return protocol
    name = protocol.lower()
    if name != "icmp" and name not in _PROTOCOLS:
        known = ", ".join((*_PROTOCOLS, "icmp"))
        raise CnpcError(f"no protocol '{protocol}': there are {known}, or give its number")
    return _PROTOCOLS.get(name)


@dataclass(frozen=True, slots=True)
class End:
    """Who sends or gets a packet: its first address of each family.

    ``judged_on`` are the nodes whose rulesets judge it as a pod of theirs: several where nobody
    knows whose address it is. ``node`` is the node that the end itself is.
    """

    addresses: Mapping[Family, int]
    judged_on: tuple[str, ...] = ()
    node: str = ""


class Ends:
    """Finds pods, nodes and addresses by what people call them."""

    def __init__(self, cluster: Inputs) -> None:
        """Index the pods, the nodes and their addresses."""
        snapshot = cluster.snapshot
        self._no_endpoints = cluster.no_endpoints
        self._pods = {f"{item.namespace}/{item.name}": item for item in snapshot.endpoints}
        self._nodes = {item.name: item for item in snapshot.nodes}
        self._owners = _owners(snapshot)
        self._contested = snapshot.contested

    def find(self, name: str) -> End:
        """Return the end of that name; CnpcError if there is none."""
        if name in self._pods:
            return _end(self._pods[name])
        if name in self._nodes:
            return _end(self._nodes[name])
        try:
            family, address = parse_address(name)
        except ValueError:
            raise CnpcError(self._reason(name)) from None
        contested = [node for node, item in self._contested if item == (family, address) and node]
        owner = self._owners.get((family, address))
        end = _end(owner) if owner else End({}, tuple(contested))
        return End({family: address}, end.judged_on, end.node)

    def _reason(self, name: str) -> str:
        for why, names in self._no_endpoints.items():
            if name in names:
                return f"pod {name} is among the pods {why}: give an address instead"
        kind = "pod" if "/" in name else "node or address"
        return f"no {kind} '{name}' in the cluster"


def _owners(snapshot: Snapshot) -> Mapping[Address, Endpoint | Node]:
    owners: tuple[Endpoint | Node, ...] = (*snapshot.nodes, *snapshot.endpoints)
    return {address: owner for owner in owners for address in owner.addresses}


def _end(item: Endpoint | Node) -> End:
    addresses = dict(reversed(item.addresses))
    if isinstance(item, Node):
        return End(addresses, node=item.name)
    return End(addresses, (item.node,))
