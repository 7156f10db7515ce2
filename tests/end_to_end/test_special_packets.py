"""What policies do not judge, or judge specially, by packets and with every backend."""

from __future__ import annotations

from typing import Any

import pytest
from cnpc.backends.registry import BACKENDS, passes_of
from cnpc.compiler.options import DEFAULT_LEVEL, LEVELS, Options, OwnNode
from cnpc.compiler.pipeline import Pipeline
from harness.test_netcluster_packets import udp_error
from netcluster import (
    ICMP,
    ICMPV6,
    LOADERS,
    TCP,
    UDP,
    Cluster,
    Loader,
    Probe,
    Verdict,
    packets,
    service_of,
    translation,
)
from netcluster.topology import packed
from semantics.evaluation import read
from small_cluster import ADDRESS, TOPOLOGY, A, B, C, verdicts

PASSED, DROPPED = Verdict.ACCEPTED, Verdict.DROPPED

pytestmark = pytest.mark.requires_root_and_nft
both_families = pytest.mark.parametrize("family", [0, 1])


def cluster_documents() -> list[dict[str, Any]]:
    nodes = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": node.name},
            "status": {"addresses": [{"type": "InternalIP", "address": a} for a in node.addresses]},
        }
        for node in TOPOLOGY.nodes
    ]
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": {"pod": pod.name}},
            "spec": {"nodeName": pod.node, "containers": [], "hostNetwork": pod.host_network},
            "status": {
                "phase": "Running",
                "podIP": pod.addresses[0],
                "podIPs": [{"ip": address} for address in pod.addresses],
            },
        }
        for pod in TOPOLOGY.pods
    ]
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "t"}}
    return [*nodes, space, *pods]


def policy(pod: str, **rules: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a NetworkPolicy that isolates the pod but for the rules of each direction."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"isolate-{pod}", "namespace": "t"},
        "spec": {
            "podSelector": {"matchLabels": {"pod": pod}},
            "policyTypes": [kind.capitalize() for kind in rules],
            **rules,
        },
    }


def install(
    cluster: Cluster,
    loader: Loader,
    *policies: dict[str, Any],
    own_node: OwnNode = OwnNode.EXEMPT,
    level: int = DEFAULT_LEVEL,
) -> None:
    inputs = read([*cluster_documents(), *policies], unknown=False)
    backend = BACKENDS[loader.backend]()
    options, passes = Options(own_node=own_node), passes_of(backend)
    pipeline = Pipeline(inputs.snapshot, inputs.policies, options, level, passes)
    for node in pipeline.resolver.node_names():
        cluster.install(node, backend.build(pipeline.program(node), ()).texts, loader)


UDP_53 = {"ports": [{"protocol": "UDP", "port": 53}]}


@both_families
def test_answers_and_errors_of_a_flow_pass_and_strays_do_not(
    cluster: Cluster, loader: Loader, family: int
) -> None:
    install(
        cluster, loader, policy("a", ingress=[], egress=[UDP_53]), policy("c", ingress=[UDP_53])
    )
    [sent] = cluster.probe([Probe(A, ADDRESS[C][family], UDP, 53)])
    assert sent.accepted

    def error_seen_at(port: int) -> list[str]:
        made = cluster.inject(C, lambda mark: udp_error(family, (port, 53), mark))
        return [sighting.where for sighting in made]

    assert error_seen_at(sent.source_port) == [A]
    assert error_seen_at(sent.source_port + 1) == []
    assert verdicts(cluster, Probe(C, ADDRESS[A][family], UDP, 53)) == [DROPPED]


@both_families
def test_invalid_packets_of_pods_are_dropped(cluster: Cluster, loader: Loader, family: int) -> None:
    ends = packed(ADDRESS[A][family]), packed(ADDRESS[C][family])

    def stray(mark: bytes) -> bytes:
        segment = packets.tcp(ends, (4000, 80), (77, 99), packets.RST | packets.ACK, mark)
        return packets.ip(ends, TCP, segment)

    assert cluster.inject(A, stray)
    install(cluster, loader, policy("b", ingress=[]))
    assert cluster.inject(A, stray) == []


def test_neighbours_are_found_under_isolation(cluster: Cluster, loader: Loader) -> None:
    rules = {"ingress": [UDP_53], "egress": [UDP_53]}
    install(
        cluster, loader, *(policy(pod, **rules) for pod in "abc"), own_node=OwnNode.ENFORCE
    )  # so that the input hook judges as well
    cluster.flush_neighbours()
    probes = [Probe(A, ADDRESS[end][1], UDP, 53) for end in (B, C)]
    assert verdicts(cluster, *probes) == [PASSED] * 2


@both_families
@pytest.mark.parametrize("own_node", OwnNode)
def test_a_pod_and_its_node(
    cluster: Cluster, loader: Loader, family: int, own_node: OwnNode
) -> None:
    install(cluster, loader, policy("a", ingress=[], egress=[]), own_node=own_node)
    probes = [
        Probe("n1", ADDRESS[A][family], TCP, 80),
        Probe(A, ADDRESS["n1"][family], TCP, 80),
        Probe(A, ADDRESS["n2"][family], TCP, 80),
        Probe("n2", ADDRESS[A][family], TCP, 80),
    ]
    own = PASSED if own_node is OwnNode.EXEMPT else DROPPED
    assert verdicts(cluster, *probes) == [PASSED, own, DROPPED, DROPPED]


DENY_NODES = {
    "apiVersion": "policy.networking.k8s.io/v1alpha2",
    "kind": "ClusterNetworkPolicy",
    "metadata": {"name": "base"},
    "spec": {
        "tier": "Baseline",
        "priority": 1,
        "subject": {"namespaces": {}},
        "egress": [{"action": "Deny", "to": [{"nodes": {}}]}],
    },
}


@both_families
def test_a_network_policy_is_final_for_the_own_node(
    cluster: Cluster, loader: Loader, family: int
) -> None:
    probe = Probe(A, ADDRESS["n1"][family], TCP, 80)
    for policies, verdict in (
        ([policy("a", egress=[])], PASSED),
        ([policy("a", ingress=[])], DROPPED),
        ([], DROPPED),
    ):
        install(cluster, loader, DENY_NODES, *policies)
        assert verdicts(cluster, probe) == [verdict]


ANYONE: dict[str, Any] = {"namespaces": {}}
DENY_ALL = [{"action": "Deny", "from": [ANYONE]}]
DENY_81: dict[str, Any] = {
    "apiVersion": "policy.networking.k8s.io/v1alpha2",
    "kind": "ClusterNetworkPolicy",
    "metadata": {"name": "deny-81"},
    "spec": {
        "tier": "Admin",
        "priority": 1,
        "subject": ANYONE,
        "egress": [
            {
                "action": "Deny",
                "to": [ANYONE],
                "protocols": [{"tcp": {"destinationPort": {"number": 81}}}],
            }
        ],
    },
}


@both_families
@pytest.mark.parametrize("level", LEVELS)
def test_isolation_does_not_cut_a_pod_from_itself(
    cluster: Cluster, loader: Loader, family: int, level: int
) -> None:
    """Nor does the Baseline tier, where it is isolated; the Admin tier does."""
    baseline = {**DENY_81["spec"], "tier": "Baseline", "ingress": DENY_ALL}
    base = {**DENY_81, "metadata": {"name": "base"}, "spec": {**baseline, "egress": []}}
    own, service = ADDRESS[A][family], service_of(ADDRESS[A][family])
    probes = [Probe(A, service, protocol, port) for protocol, port in ((TCP, 80), (UDP, 80))]
    probes += [Probe(A, service, ICMPV6 if family else ICMP), Probe(A, service, TCP, 81)]
    probes += [Probe(B, own, TCP, 80)]
    for policies, expected in (
        ([base], [DROPPED] * 5),
        ([base, policy("a", ingress=[], egress=[])], [PASSED] * 4 + [DROPPED]),
        ([base, policy("a", egress=[])], [DROPPED] * 5),
        (
            [base, DENY_81, policy("a", ingress=[], egress=[])],
            [PASSED] * 3 + [DROPPED, DROPPED],
        ),
    ):
        cluster.clear()
        for node in TOPOLOGY.nodes:
            cluster.load(node.name, translation(TOPOLOGY, node.name))
        install(cluster, loader, *policies, level=level)
        assert verdicts(cluster, *probes) == expected


def test_the_hosts_own_rules_still_judge(cluster: Cluster) -> None:
    """What iptables accepts in our chains goes on in the host's, as with nftables."""
    for flavour in ("legacy", "nft"):
        cluster.clear()
        loader = LOADERS[f"iptables-{flavour}"]
        install(cluster, loader, policy("a", ingress=[UDP_53]))
        assert verdicts(cluster, Probe(C, ADDRESS[A][0], UDP, 53)) == [PASSED]
        cluster.run("n1", (f"iptables-{flavour}", "-A", "FORWARD", "-p", "udp", "-j", "DROP"))
        assert verdicts(cluster, Probe(C, ADDRESS[A][0], UDP, 53)) == [DROPPED]
