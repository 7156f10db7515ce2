"""A small cluster for tests: pods a and b on node n1, c and the host-network pod on n2."""

from __future__ import annotations

from collections.abc import Sequence

from netcluster import OUTSIDE, Cluster, Node, Pod, Probe, Topology, Verdict

A, B, C, HOST = "t/a", "t/b", "t/c", "t/host"
TOPOLOGY = Topology(
    (
        Node("n1", ("172.18.0.11", "fd00:172:18::11")),
        Node("n2", ("172.18.0.12", "203.0.113.12", "fd00:172:18::12")),
    ),
    (
        Pod("t", "a", "n1", ("10.244.1.2", "fd00:10:1::2")),
        Pod("t", "b", "n1", ("10.244.1.3", "fd00:10:1::3")),
        Pod("t", "c", "n2", ("10.244.2.2", "fd00:10:2::2")),
        Pod("t", "host", "n2", ("172.18.0.12", "fd00:172:18::12"), host_network=True),
    ),
)
ADDRESS = {name: TOPOLOGY.addresses(name) for name in (A, B, C, HOST, "n1", "n2", OUTSIDE)}


def load(cluster: Cluster, chains: str, nodes: Sequence[str] = ("n1", "n2")) -> None:
    """Load one table with these chains into nodes."""
    for node in nodes:
        cluster.load(node, f"table inet t {{\n{chains}\n}}")


def forward_drop(rules: str) -> str:
    """Return a chain that forwards only what the rules accept."""
    return f"chain forward {{ type filter hook forward priority 0; policy drop; {rules}\n}}"


def verdicts(cluster: Cluster, *probes: Probe) -> list[Verdict]:
    """Return the verdict of each probe."""
    return [result.verdict for result in cluster.probe(probes)]
