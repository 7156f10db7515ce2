"""Probes through the frontends of a node, and the verdicts that the oracle gives them.

Policies judge addresses and ports after DNAT and before SNAT (docs/semantics.md). So the sender's
node judges the pod behind a frontend of its own; and the pod's node judges the sender, or the
address of the frontend's node where that one has masqueraded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netcluster import TCP, UDP, Cluster, Pod, Probe, Topology, Verdict, table
from netcluster.topology import family_of
from oracle import Flow, Oracle

from neighbours.objects import Service


@dataclass(frozen=True, slots=True)
class Frontend:
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
class PolicyProbe:
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


def frontends(service: Service, addresses: tuple[str, ...]) -> Iterator[Frontend]:
    """Give a Service's cluster IPs, and its node port at the addresses of a node."""
    yield Frontend(
        f"{service.name} by cluster IP",
        service.cluster_ips,
        service.port,
        service.pod,
        service.target,
    )
    if service.node_port is not None:
        yield Frontend(
            f"{service.name} by node port",
            addresses,
            service.node_port,
            service.pod,
            service.target,
            masquerades=not service.local,
        )


def through_frontend(
    topology: Topology, node: str, source: str, frontend: Frontend
) -> Iterator[PolicyProbe]:
    """Give the probes from a source through a frontend of the node."""
    homes = {pod.full_name: pod.node for pod in topology.pods}
    own_frontend = homes.get(source) == node
    masqueraded = frontend.pod.node != node and (frontend.masquerades or source not in homes)
    for address in frontend.addresses:
        family = family_of(address)
        (end,) = (own for own in frontend.pod.addresses if family_of(own) is family)
        origin = topology.address(source, family)
        seen = topology.address(node, family) if masqueraded else origin
        for protocol in (TCP, UDP):
            behind = Flow(seen, end, protocol, frontend.target, through_service=seen == end)
            outside = Flow(origin, address, protocol, frontend.port)
            yield PolicyProbe(
                frontend.name,
                Probe(source, address, protocol, frontend.port, origin),
                frontend.pod.full_name,
                Flow(origin, end, protocol, frontend.target, through_service=origin == end)
                if own_frontend
                else outside,
                behind,
            )


def directly(
    topology: Topology, pairs: Iterable[tuple[str, str]], port: int
) -> Iterator[PolicyProbe]:
    """Give the probes from each first to each second by its own addresses."""
    for source, target in pairs:
        for address in topology.addresses(target):
            origin = topology.address(source, family_of(address))
            for protocol in (TCP, UDP):
                probe = Probe(source, address, protocol, port, origin)
                flow = Flow(origin, address, protocol, port)
                yield PolicyProbe("direct", probe, target, flow, flow)


def check(
    cluster: Cluster, probes: Iterable[PolicyProbe], oracle: Oracle, *, reject: bool = False
) -> None:
    """Send all probes; AssertionError with a table of those that the oracle judges otherwise.

    Those that arrive must arrive at the pod that they are for. With ``reject`` those that are
    denied may be answered by an error.
    """
    sent = list(probes)
    rows = []
    for item, result in zip(sent, cluster.probe([item.probe for item in sent]), strict=True):
        expected = item.expected(oracle)
        astray = result.arrival is not None and result.arrival.where != item.target
        observed = result.verdict
        if reject and observed is Verdict.REJECTED:
            observed = Verdict.DROPPED
        if observed is not expected or astray:
            rows.append((f"{item.probe} ({item.name})", expected.value, str(result)))
    assert not rows, f"{len(rows)} of {len(sent)} probes differ\n{table(rows)}"
