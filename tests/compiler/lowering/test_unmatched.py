"""Warnings about what can match nothing in the cluster that was read: which, where, how often."""

from __future__ import annotations

from cnpc.compiler.errors import Diagnostic, Severity
from cnpc.compiler.lowering.unmatched import idle
from cnpc.compiler.manifests.text.render_problems import locate
from lowered import NAMESPACES, cnp, inputs, namespace, node, np, pod

NODE = node("n1", "172.18.0.1")
CLUSTER = (NODE, namespace("red", "team: a"), pod("red/a", "10.0.0.1"))
TO_NODES = "action: Deny, to: [{nodes: {}}]"
TO_DOMAINS = "action: Accept, to: [{domainNames: ['*.example.com']}]"
TO_ALL = f"action: Accept, to: [{{{NAMESPACES}}}]"


def found(*documents: str) -> list[Diagnostic]:
    read = inputs(*documents)
    return list(idle(read.snapshot, read.policies))


def test_a_cluster_with_all_that_its_policies_name_has_none() -> None:
    assert not found(*CLUSTER, np("red/a", "Ingress"), cnp("a", egress=[TO_NODES, TO_ALL]))


def test_a_cluster_without_policies_has_none() -> None:
    assert not found(namespace("red", "team: a"))


def test_policies_without_pods_are_told_once() -> None:
    [warning] = found(
        NODE, np("red/a", "Ingress"), np("blue/a", "Ingress"), cnp("a", egress=[TO_DOMAINS])
    )
    assert warning.severity is Severity.WARNING
    assert warning.message == "there are policies, but no pod with an address for them to judge"
    assert "kubectl get" in warning.hint


def test_a_namespace_that_only_policies_name_is_told_once() -> None:
    [warning] = found(
        *CLUSTER, np("bleu/a", "Ingress"), np("bleu/b", "Ingress"), np("red/a", "Ingress")
    )
    assert warning.message == "the namespace 'bleu' of NetworkPolicy 'bleu/a' is not in the input"
    assert warning.hint == "no pod is in it, so that the policy selects none there"
    assert warning.span is not None


def test_rules_about_nodes_are_told_once_a_policy_where_there_are_none() -> None:
    [warning] = found(*CLUSTER[1:], cnp("a", egress=[TO_ALL, TO_NODES, TO_NODES]), cnp("b"))
    assert warning.message == (
        "ClusterNetworkPolicy 'a' egress rule 1 selects nodes,"
        " and there is no node with an address in the input"
    )


def test_rules_about_domains_are_told_once_a_policy() -> None:
    [warning] = found(*CLUSTER, cnp("a", egress=[TO_DOMAINS, TO_DOMAINS]), cnp("b", priority=2))
    assert warning.message == (
        "ClusterNetworkPolicy 'a' egress rule 0 names domains,"
        " whose addresses cnpc does not look up"
    )
    assert "dns4_" in warning.hint


def test_a_warning_points_at_the_rule() -> None:
    [located] = locate(found(*CLUSTER, cnp("a", egress=[TO_ALL, TO_DOMAINS])))
    assert "domainNames" in located.text


def test_a_namespace_that_only_a_subject_names_is_told_once() -> None:
    def policy(name: str, *values: str) -> str:
        key = "kubernetes.io/metadata.name"
        expression = f"{{key: {key}, operator: In, values: [{', '.join(values)}]}}"
        subject = f"namespaces: {{matchExpressions: [{expression}]}}"
        return cnp(name, priority=len(values), subject=subject)

    [warning] = locate(found(*CLUSTER, policy("a", "red", "bleu"), policy("b", "bleu")))
    assert warning.message == (
        "the namespace 'bleu' in the subject of ClusterNetworkPolicy 'b' is not in the input"
    )
    assert "subject" in warning.text


SERVER = pod("red/b", "10.0.0.2", ports="http=tcp/80 dns=udp/53")


def test_a_port_name_that_no_pod_declares_is_told_once() -> None:
    def rule(name: str) -> str:
        ports = f"protocols: [{{destinationNamedPort: {name}}}]"
        return f"action: Deny, from: [{{{NAMESPACES}}}], {ports}"

    policies = cnp("a", ingress=[rule("http"), rule("HTTP_X")]), cnp("b", ingress=[rule("HTTP_X")])
    [warning] = found(*CLUSTER, SERVER, *policies)
    assert warning.message == (
        "ClusterNetworkPolicy 'a' ingress rule 1 has the port name 'HTTP_X', "
        "which no pod in the input declares"
    )
    assert warning.span is not None


def test_a_port_name_counts_with_the_protocol_that_a_network_policy_asks_for() -> None:
    def policy(port: str) -> str:
        return np("red/a", "Egress", f"  egress: [{{ports: [{port}]}}]")

    assert not found(*CLUSTER, SERVER, policy("{port: dns, protocol: UDP}"))
    [warning] = found(*CLUSTER, SERVER, policy("{port: dns}"))
    assert warning.message == (
        "NetworkPolicy 'red/a' egress rule 0 has the port name 'dns', "
        "which no pod in the input declares for TCP"
    )


def test_a_namespace_that_is_misspelt_has_its_like_as_a_hint() -> None:
    cluster = (NODE, namespace("payments", "team: a"), pod("payments/a", "10.0.0.1"))
    [warning] = found(*cluster, np("paymets/a", "Ingress"))
    assert warning.hint == "did you mean 'payments'?"
    name = "action: Deny, to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: %s}}}]"
    [warning] = found(*cluster, cnp("a", egress=[name % "payment", name % "elsewhere"]))
    assert warning.message == (
        "ClusterNetworkPolicy 'a' egress rule 0 names the namespace 'payment',"
        " which is not in the input"
    )
    assert warning.hint == "did you mean 'payments'?"
