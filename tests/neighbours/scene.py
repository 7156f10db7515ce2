"""The cluster that the tests of neighbours share: nodes n1 and n2, pods a and b, and c on n2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netcluster import OUTSIDE, Node, Pod, Topology

from neighbours import objects
from neighbours.kube_proxy import MARK
from neighbours.objects import Manifest, Service
from neighbours.probes import PolicyProbe, directly, frontends, through_frontend

A = Pod("t", "a", "n1", ("10.244.1.2", "fd00:10:1::2"))
B = Pod("t", "b", "n1", ("10.244.1.3", "fd00:10:1::3"))
C = Pod("t", "c", "n2", ("10.244.2.2", "fd00:10:2::2"))
TOPOLOGY = Topology(
    (
        Node("n1", ("172.18.0.11", "fd00:172:18::11")),
        Node("n2", ("172.18.0.12", "fd00:172:18::12")),
    ),
    (A, B, C),
)
SERVICES = (
    Service("near", A, ("10.96.0.10", "fd00:10:96::10"), target=8080, node_port=30080),
    Service("far", C, ("10.96.0.11", "fd00:10:96::11"), target=8080, node_port=30081),
    Service("near-local", A, ("10.96.0.12", "fd00:10:96::12"), 8081, node_port=30082, local=True),
)


def manifests() -> Iterator[Manifest]:
    """Give all of the cluster but its policies."""
    yield from objects.cluster(TOPOLOGY)
    for item in (*SERVICES, MARK):
        yield from objects.service(item)


def all_probes(services: Sequence[Service] = SERVICES) -> list[PolicyProbe]:
    """Return probes by all ways: pods, node n1 and the world outside, through n1's Services."""
    found = direct_probes()
    for service in services:
        for frontend in frontends(service, TOPOLOGY.addresses("n1")):
            # Nobody outside, and no other node, sends what is for a cluster IP to n1.
            others = (OUTSIDE, "t/c") if frontend.port == service.node_port else ()
            for source in ("t/a", "t/b", "n1", *others):
                found += through_frontend(TOPOLOGY, "n1", source, frontend)
    return found


def direct_probes() -> list[PolicyProbe]:
    """Return probes from pod to pod, and between pods and the world outside."""
    pairs = [("t/a", "t/b"), ("t/b", "t/c"), ("t/c", "t/a"), ("t/a", OUTSIDE), (OUTSIDE, "t/a")]
    return list(directly(TOPOLOGY, pairs, 8080))
