"""Clusters to measure with: the same objects for the same seed, on any machine.

Each is a stream of objects, so that the largest never stands in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from clusters import adversarial
from clusters.at_limits import Limits
from clusters.naming import node_name
from clusters.objects import Object
from clusters.one_node import COMPARED, Shape, shape_objects
from clusters.small_namespaces import small_namespaces


@dataclass(frozen=True, slots=True)
class Cluster:
    """A workload: its objects, made anew at each call, and the node that is measured first."""

    name: str
    title: str
    node: str
    objects: Callable[[], Iterator[Object]]


def limits(scale: float = 1.0, *, dual: bool = False) -> Cluster:
    """Return (a), the limits that Kubernetes publishes ("Considerations for large clusters").

    5,000 nodes, 150,000 pods, 10,000 namespaces, 110 pods on a tenth of the nodes (the first is
    measured) and the rest of the pods on the other nodes; 10,000 NetworkPolicies of one to three
    rules and 100 ClusterNetworkPolicies. With ``dual``, every pod has an IPv6 address as well.
    """
    size = Limits(
        nodes=_scaled(5_000, scale),
        namespaces=_scaled(10_000, scale),
        pods=_scaled(150_000, scale),
        policies=_scaled(10_000, scale),
        cluster_policies=_scaled(100, scale),
        dual=dual,
    )
    title = f"{size.pods:,} pods, Kubernetes' limits{', dual stack' if dual else ''}"
    return Cluster("a6" if dual else "a", title, node_name(0), size.objects)


def medium(scale: float = 1.0) -> Cluster:
    """Return (m), like (a) but of 100 nodes, 10,000 pods, 1,050 policies, and dual stack."""
    size = Limits(
        nodes=_scaled(100, scale),
        namespaces=_scaled(200, scale),
        pods=_scaled(10_000, scale),
        policies=_scaled(1_000, scale),
        cluster_policies=_scaled(50, scale),
        dual=True,
    )
    return Cluster("m", f"{size.pods:,} pods", node_name(0), size.objects)


def namespaces(scale: float = 1.0) -> Cluster:
    """Return (b), 25,000 namespaces of 4 pods and 3 NetworkPolicies each, on 1,000 nodes.

    One policy denies all, one lets two of the pods talk, one opens a port to a namespace; this is
    the shape in which Antrea publishes what its controller needs.
    """
    count = _scaled(25_000, scale)
    title = f"{count:,} namespaces, {4 * count:,} pods, {3 * count:,} policies"
    return Cluster("b", title, node_name(0), lambda: small_namespaces(count, _scaled(1_000, scale)))


def node_policies(shape: Shape = COMPARED) -> Cluster:
    """Return (c), 250 local pods in groups with many policies of 5 rules and 3 ports each."""
    title = f"{shape.local} pods, {shape.policies:,} policies"
    name = f"c{shape.policies}-{shape.groups}"
    return Cluster(name, title, node_name(0), lambda: shape_objects(shape))


def own_labels(scale: float = 1.0) -> Cluster:
    """Return (d) 1: every pod with its own labels and its own policy, whose peer is another pod."""
    count = _scaled(5_000, scale)
    return Cluster(
        "d1",
        f"{count:,} pods, each its policy",
        node_name(0),
        lambda: adversarial.own_labels(count),
    )


def nested_networks(scale: float = 1.0) -> Cluster:
    """Return (d) 2: thousands of CIDRs that overlap, most with exceptions, over ten policies."""
    count = _scaled(4_000, scale)
    return Cluster(
        "d2",
        f"{count:,} CIDRs that overlap",
        node_name(0),
        lambda: adversarial.nested_networks(count),
    )


def interleaved_ports(scale: float = 1.0) -> Cluster:
    """Return (d) 3: port ranges that interleave, each open to another class of pods."""
    count = _scaled(500, scale)
    return Cluster(
        "d3", f"{count:,} port ranges", node_name(0), lambda: adversarial.interleaved_ports(count)
    )


ADVERSARIAL = (own_labels, nested_networks, interleaved_ports)


def _scaled(count: int, scale: float) -> int:
    return max(2, round(count * scale))
