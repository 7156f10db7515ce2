"""What is asked through the doors of a node, and what the oracle says must come of it.

Policies judge addresses and ports behind DNAT and before SNAT (docs/semantics.md). So the sender's
node sees the pod behind the door, if the door is its own; and the pod's node sees the sender, or
the address of the door's node where that one has masqueraded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netcluster import TCP, UDP, Cluster, Pod, Probe, Topology, Verdict, table
from netcluster.topology import family_of
from oracle import Flow, Oracle

from neighbours.objects import Service


@dataclass(frozen=True, slots=True)
class Door:
    """Addresses and a port of a node that lead to a pod's; ``name`` is for messages.

    To pods of other nodes, it masquerades whoever is no pod, or if ``masquerades`` everybody.
    """

    name: str
    addresses: tuple[str, ...]
    port: int
    pod: Pod
    target: int
    masquerades: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A probe, the pod that it is for, and the flows that both ends' policies see."""

    name: str
    probe: Probe
    target: str
    egress: Flow
    ingress: Flow

    def expected(self, oracle: Oracle) -> Verdict:
        """Return the verdict that the policies give."""
        out = oracle.judge(self.egress).egress.allowed
        into = oracle.judge(self.ingress).ingress.allowed
        return Verdict.ACCEPTED if out and into else Verdict.DROPPED


def doors(service: Service, addresses: tuple[str, ...]) -> Iterator[Door]:
    """Give a Service's cluster IPs, and its node port at the addresses of a node."""
    yield Door(
        f"{service.name} by cluster IP",
        service.cluster_ips,
        service.port,
        service.pod,
        service.target,
    )
    if service.node_port is not None:
        yield Door(
            f"{service.name} by node port",
            addresses,
            service.node_port,
            service.pod,
            service.target,
            masquerades=not service.local,
        )


def by_door(topology: Topology, node: str, source: str, door: Door) -> Iterator[Ask]:
    """Give what a source asks through a door of the node."""
    homes = {pod.full_name: pod.node for pod in topology.pods}
    own_door = homes.get(source) == node
    masqueraded = door.pod.node != node and (door.masquerades or source not in homes)
    for address in door.addresses:
        family = family_of(address)
        (end,) = (own for own in door.pod.addresses if family_of(own) is family)
        origin = topology.address(source, family)
        seen = topology.address(node, family) if masqueraded else origin
        for protocol in (TCP, UDP):
            behind = Flow(seen, end, protocol, door.target, through_service=seen == end)
            outside = Flow(origin, address, protocol, door.port)
            yield Ask(
                door.name,
                Probe(source, address, protocol, door.port, origin),
                door.pod.full_name,
                Flow(origin, end, protocol, door.target, through_service=origin == end)
                if own_door
                else outside,
                behind,
            )


def directly(topology: Topology, pairs: Iterable[tuple[str, str]], port: int) -> Iterator[Ask]:
    """Give what each first one asks each second by its own addresses."""
    for source, target in pairs:
        for address in topology.addresses(target):
            origin = topology.address(source, family_of(address))
            for protocol in (TCP, UDP):
                probe = Probe(source, address, protocol, port, origin)
                flow = Flow(origin, address, protocol, port)
                yield Ask("direct", probe, target, flow, flow)


def check(cluster: Cluster, asks: Iterable[Ask], oracle: Oracle) -> int:
    """Send all probes; AssertionError with a table of what the oracle judges otherwise.

    Returns how many there were. What arrives must arrive at the pod it is for.
    """
    asked = list(asks)
    rows = []
    for ask, result in zip(asked, cluster.probe([ask.probe for ask in asked]), strict=True):
        expected = ask.expected(oracle)
        astray = result.arrival is not None and result.arrival.where != ask.target
        if result.verdict is not expected or astray:
            rows.append((f"{ask.probe} ({ask.name})", expected.value, str(result)))
    assert not rows, f"{len(rows)} of {len(asked)} probes differ\n{table(rows)}"
    return len(asked)
