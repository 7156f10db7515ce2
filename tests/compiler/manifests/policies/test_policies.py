"""What the three policy APIs say, as values."""

from __future__ import annotations

import io
import json

import pytest
from cnpc.compiler.manifests.load import load
from cnpc.compiler.model.policy import (
    Action,
    Direction,
    DomainNamesPeer,
    LabelSelector,
    NamedPort,
    NetworksPeer,
    NodesPeer,
    NotSameLabels,
    OneNamespace,
    Operator,
    PodsPeer,
    Policy,
    PolicyRule,
    Ports,
    Requirement,
    SameLabels,
    Tier,
)
from cnpc.compiler.net import Family, Prefix, Protocol
from policies import (
    ALL,
    ANYONE,
    TEN,
    admin,
    cnp,
    egress,
    ingress,
    labels,
    network_policy,
    only,
    port,
    read,
)


@pytest.mark.parametrize("version", ["v1alpha2", "v1beta1"])
def test_a_cluster_network_policy(version: str) -> None:
    subject = {"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"a": "b"}}}}
    rule = {"name": "r", "action": "Pass", "from": [ANYONE]}
    found = read(cnp(version, tier="Baseline", subject=subject, ingress=[rule], egress=[]))
    assert found == Policy(
        "ClusterNetworkPolicy",
        "p",
        Tier.BASELINE,
        7,
        PodsPeer(LabelSelector(), labels(a="b")),
        (PolicyRule(Action.PASS, (ALL,), None, "r"),),
        None,
        3,
    )


def test_selectors_are_in_normal_form() -> None:
    selector = {
        "matchLabels": {"z": "1", "a": "2"},
        "matchExpressions": [
            {"key": "m", "operator": "NotIn", "values": ["y", "x", "y"]},
            {"key": "m", "operator": "Exists", "values": []},
            {"key": "example.com/m", "operator": "DoesNotExist"},
            {"key": "a", "operator": "In", "values": ["2"]},
        ],
    }
    (peer,) = only(read(ingress(**{"from": [{"namespaces": selector}]}))).peers or ()
    assert peer == PodsPeer(
        LabelSelector(
            (
                Requirement("a", Operator.IN, ("2",)),
                Requirement("example.com/m", Operator.DOES_NOT_EXIST),
                Requirement("m", Operator.EXISTS),
                Requirement("m", Operator.NOT_IN, ("x", "y")),
                Requirement("z", Operator.IN, ("1",)),
            )
        )
    )


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (ANYONE, ALL),
        ({"pods": {"podSelector": {}}}, ALL),
        ({"namespaces": {"sameLabels": ["t", "s"]}}, PodsPeer(SameLabels(("s", "t")))),
        ({"namespaces": {"sameLabels": []}}, PodsPeer(SameLabels(()))),
        (
            {
                "pods": {
                    "namespaceSelector": {"notSameLabels": ["t"]},
                    "podSelector": {"matchLabels": {"a": ""}},
                }
            },
            PodsPeer(NotSameLabels(("t",)), labels(a="")),
        ),
        ({"nodes": {"matchLabels": {"a": "b"}}}, NodesPeer(labels(a="b"))),
        (
            {"networks": ["fd00::1/8", "10.0.0.0/8"]},
            NetworksPeer((TEN, Prefix(Family.IPV6, 0xFD << 120, 8))),
        ),
        (
            {"domainNames": ["*.kubernetes.io", "kubernetes.io."]},
            DomainNamesPeer(("*.kubernetes.io", "kubernetes.io.")),
        ),
    ],
)
def test_peers(peer: object, expected: object) -> None:
    assert only(read(egress(peer)), Direction.EGRESS).peers == (expected,)


def test_masked_host_bits_are_a_warning() -> None:
    data = io.BytesIO(json.dumps(egress({"networks": ["10.1.0.0/8"]})).encode())
    found = load(["-"], stdin=data)
    (warning,) = found.warnings
    assert warning.hint == "it is read as 10.0.0.0/8"
    assert only(found.policies[0], Direction.EGRESS).peers == (NetworksPeer((TEN,)),)


@pytest.mark.parametrize(
    ("field", "entry", "expected"),
    [
        ("protocols", {"tcp": port(80)}, Ports(Protocol.TCP, (80, 80))),
        ("protocols", {"udp": port(65535)}, Ports(Protocol.UDP, (65535, 65535))),
        (
            "protocols",
            {"sctp": {"destinationPort": {"range": {"start": 1, "end": 9}}}},
            Ports(Protocol.SCTP, (1, 9)),
        ),
        ("protocols", {"destinationNamedPort": "http"}, NamedPort("http")),
        ("ports", {"portNumber": {"port": 80}}, Ports(Protocol.TCP, (80, 80))),
        ("ports", {"portNumber": {"protocol": "UDP", "port": 53}}, Ports(Protocol.UDP, (53, 53))),
        (
            "ports",
            {"portRange": {"protocol": "SCTP", "start": 1, "end": 2}},
            Ports(Protocol.SCTP, (1, 2)),
        ),
        ("ports", {"namedPort": "dns"}, NamedPort("dns")),
    ],
)
def test_both_spellings_of_ports(field: str, entry: object, expected: object) -> None:
    assert only(read(ingress(**{field: [entry]}))).ports == (expected,)


@pytest.mark.parametrize(
    "peer",
    [
        {"namespaces": {"matchLabels": {"a": "b"}}},
        {"namespaces": {"namespaceSelector": {"matchLabels": {"a": "b"}}}},
        {"pods": {"namespaceSelector": {"matchLabels": {"a": "b"}}, "podSelector": {}}},
        {
            "pods": {
                "namespaces": {"namespaceSelector": {"matchLabels": {"a": "b"}}},
                "podSelector": {},
            }
        },
    ],
)
def test_admin_network_policies_wrap_selectors_or_not(peer: object) -> None:
    rule = {"action": "Allow", "from": [peer], "ports": [{"namedPort": "http"}]}
    found = read(admin(ingress=[rule]))
    assert (found.tier, found.priority) == (Tier.ADMIN, 7)
    assert only(found) == PolicyRule(
        Action.ACCEPT, (PodsPeer(labels(a="b")),), (NamedPort("http"),)
    )


def test_the_tenancy_of_admin_network_policies() -> None:
    rule = {"action": "Pass", "from": [{"namespaces": {"notSameLabels": ["t"]}}]}
    assert only(read(admin(ingress=[rule]))).peers == (PodsPeer(NotSameLabels(("t",))),)


def test_the_baseline_admin_network_policy() -> None:
    rules = [{"action": "Deny", "from": [ANYONE]}] * 100
    found = read(admin("BaselineAdminNetworkPolicy", ingress=rules))
    assert (found.tier, found.priority, found.name) == (Tier.BASELINE, 0, "default")
    assert found.ingress == (PolicyRule(Action.DENY, (ALL,), None),) * 100


@pytest.mark.parametrize(
    ("spec", "ingress_rules", "egress_rules"),
    [
        ({"podSelector": {}}, (), None),
        ({"podSelector": {}, "policyTypes": []}, (), None),
        ({"podSelector": {}, "policyTypes": ["Egress"]}, None, ()),
        ({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, (), ()),
        ({"podSelector": {}, "egress": []}, (), None),
        ({"podSelector": {}, "egress": [{}]}, (), "any"),
        ({"podSelector": {}, "ingress": [{}]}, "any", None),
        ({"podSelector": {}, "ingress": [{}], "policyTypes": ["Egress"]}, None, ()),
        ({"podSelector": {}, "ingress": [{"from": None, "ports": []}]}, "any", None),
    ],
)
def test_the_directions_of_a_network_policy(
    spec: dict[str, object], ingress_rules: object, egress_rules: object
) -> None:
    found = read(network_policy(**spec))
    any_rule = (PolicyRule(Action.ACCEPT, None, None),)
    assert found.ingress == (any_rule if ingress_rules == "any" else ingress_rules)
    assert found.egress == (any_rule if egress_rules == "any" else egress_rules)
    assert (found.name, found.tier, found.priority) == ("shop/p", Tier.NETWORK_POLICY, 0)
    assert found.subject == PodsPeer(OneNamespace("shop"))


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (
            {"podSelector": {"matchLabels": {"a": "b"}}},
            PodsPeer(OneNamespace("shop"), labels(a="b")),
        ),
        ({"namespaceSelector": {}}, ALL),
        (
            {"namespaceSelector": {"matchLabels": {"c": "d"}}, "podSelector": {}},
            PodsPeer(labels(c="d")),
        ),
        (
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.2.0.0/16", "10.1.0.0/16"]}},
            NetworksPeer(
                (TEN,),
                (
                    Prefix(Family.IPV4, (10 << 24) + (1 << 16), 16),
                    Prefix(Family.IPV4, (10 << 24) + (2 << 16), 16),
                ),
            ),
        ),
    ],
)
def test_the_peers_of_a_network_policy(peer: object, expected: object) -> None:
    found = read(network_policy(ingress=[{"from": [peer]}]))
    assert only(found).peers == (expected,)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, Ports(Protocol.TCP, (0, 65535))),
        ({"protocol": "SCTP"}, Ports(Protocol.SCTP, (0, 65535))),
        ({"port": 80}, Ports(Protocol.TCP, (80, 80))),
        ({"port": 80, "endPort": 80}, Ports(Protocol.TCP, (80, 80))),
        ({"port": 80, "endPort": 90, "protocol": "UDP"}, Ports(Protocol.UDP, (80, 90))),
        ({"port": "http"}, NamedPort("http", Protocol.TCP)),
        ({"port": "dns", "protocol": "UDP"}, NamedPort("dns", Protocol.UDP)),
    ],
)
def test_the_ports_of_a_network_policy(entry: object, expected: object) -> None:
    found = read(network_policy(ingress=[{"ports": [entry]}]))
    assert only(found).ports == (expected,)


def test_rules_know_where_they_were_read() -> None:
    rule = only(read(ingress()))
    assert rule.place is not None
    assert rule.place.path == ("spec", "ingress", 0)


@pytest.mark.parametrize(
    "namespaced", ["metadata: {name: a, namespace: shop}", "metadata: {name: a}"]
)
def test_a_namespace_of_a_policy_for_the_whole_cluster_is_told(namespaced: str) -> None:
    text = "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n"
    text += f"{namespaced}\nspec: {{tier: Admin, priority: 1, subject: {{namespaces: {{}}}}}}\n"
    warnings = [item.message for item in load(["-"], stdin=io.BytesIO(text.encode())).warnings]
    told = ["metadata.namespace: a ClusterNetworkPolicy is for the whole cluster"]
    assert warnings == (told if "shop" in namespaced else [])
