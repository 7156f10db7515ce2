"""What the three policy APIs say, as values; and what fails closed."""

from __future__ import annotations

import io
import json

import pytest
from cnpc.compiler.errors import InputError
from cnpc.compiler.manifests import OnUnknown, load
from cnpc.compiler.net import Family, Prefix, Protocol
from cnpc.compiler.policy import (
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

GROUP = "policy.networking.k8s.io"
ALL = PodsPeer(LabelSelector())
TEN = Prefix(Family.IPV4, 10 << 24, 8)
ANYONE: dict[str, object] = {"namespaces": {}}


def labels(**pairs: str) -> LabelSelector:
    return LabelSelector(
        tuple(Requirement(key, Operator.IN, (value,)) for key, value in sorted(pairs.items()))
    )


def read(item: dict[str, object], on_unknown: OnUnknown = OnUnknown.ERROR) -> Policy:
    data = io.BytesIO(json.dumps(item).encode())
    (policy,) = load(["-"], stdin=data, on_unknown=on_unknown).policies
    return policy


def closed(item: dict[str, object]) -> Policy:
    """Return the policy as it fails closed, once it is clear that it is an error otherwise."""
    with pytest.raises(InputError):
        read(item)
    data = io.BytesIO(json.dumps(item).encode())
    found = load(["-"], stdin=data, on_unknown=OnUnknown.FAIL_CLOSED)
    assert found.warnings
    return found.policies[0]


def cnp(version: str = "v1alpha2", **spec: object) -> dict[str, object]:
    return {
        "apiVersion": f"{GROUP}/{version}",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "p", "generation": 3, "managedFields": [{}]},
        "spec": {"tier": "Admin", "priority": 7, "subject": ANYONE} | spec,
        "status": {"conditions": []},
    }


def ingress(**rule: object) -> dict[str, object]:
    return cnp(ingress=[{"action": "Accept", "from": [ANYONE]} | rule])


def egress(*peers: object, **rule: object) -> dict[str, object]:
    return cnp(egress=[{"action": "Accept", "to": list(peers)} | rule])


def admin(kind: str = "AdminNetworkPolicy", **spec: object) -> dict[str, object]:
    priority = {"priority": 7} if kind == "AdminNetworkPolicy" else {}
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": kind,
        "metadata": {"name": "default"},
        "spec": {"subject": ANYONE} | priority | spec,
    }


def network_policy(**spec: object) -> dict[str, object]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": spec,
    }


def only(policy: Policy, way: Direction = Direction.INGRESS) -> PolicyRule:
    (rule,) = policy.rules(way) or ()
    return rule


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


def port(number: int) -> dict[str, object]:
    return {"destinationPort": {"number": number}}


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


UNKNOWN_PARTS: list[dict[str, object]] = [
    {"from": [ANYONE, {}]},
    {"from": [ANYONE, {"namespaces": None}]},
    {"from": [ANYONE, {"future": {}}]},
    {"from": [{"networks": ["10.0.0.0/8"]}]},
    {"from": [{"nodes": {}}]},
    {"from": [{"domainNames": ["example.com"]}]},
    {"from": [{"namespaces": {"matchFuture": {}}}]},
    {"from": [{"namespaces": {}, "future": {}}]},
    {"protocols": [{"tcp": port(80)}, {}]},
    {"protocols": [{"icmp": {}}]},
    {"protocols": [{"tcp": {}}]},
    {"protocols": [{"tcp": {"destinationPort": {}}}]},
    {"protocols": [{"tcp": port(80) | {"sourcePort": {}}}]},
    {"ports": [{}]},
    {"future": True},
]


@pytest.mark.parametrize("rule", UNKNOWN_PARTS)
@pytest.mark.parametrize("action", ["Accept", "Deny", "Pass"])
def test_a_rule_with_anything_unknown_fails_closed_as_a_whole(
    rule: dict[str, object], action: str
) -> None:
    found = only(closed(ingress(**rule, name="r", action=action)))
    if action == "Accept":
        assert (found.action, found.peers) == (Action.ACCEPT, ())
    else:
        assert (found.action, found.peers, found.ports) == (Action.DENY, None, None)
    assert found.name == "r"


def test_only_the_rule_that_is_not_understood_fails_closed() -> None:
    rules = [{"action": "Deny", "from": [peer]} for peer in ({}, ANYONE)]
    bad, good = closed(cnp(ingress=rules)).ingress or ()
    assert bad == PolicyRule(Action.DENY, None, None)
    assert good == PolicyRule(Action.DENY, (ALL,), None)


def test_every_rule_of_a_spec_that_is_not_understood_fails_closed() -> None:
    rules = [{"action": action, "from": [ANYONE]} for action in ("Accept", "Pass")]
    for item in (cnp(ingress=rules, future={}), cnp(ingress=rules) | {"future": {}}):
        accept, deny = closed(item).ingress or ()
        assert (accept.peers, deny) == ((), PolicyRule(Action.DENY, None, None))


def test_an_admin_network_policy_fails_closed_too() -> None:
    rule = {"action": "Pass", "from": [{"namespaces": {"related": "Self"}}]}
    assert only(closed(admin(ingress=[rule]))) == PolicyRule(Action.DENY, None, None)


@pytest.mark.parametrize(
    "subject", [{"future": {}}, {"namespaces": {"matchFuture": {}}}, {}, {"namespaces": None}]
)
def test_a_subject_that_is_not_understood_is_always_an_error(subject: object) -> None:
    for mode in OnUnknown:
        with pytest.raises(InputError):
            read(cnp(subject=subject), mode)
    with pytest.raises(InputError):
        read(network_policy(podSelector={"matchFuture": {}}), OnUnknown.FAIL_CLOSED)


@pytest.mark.parametrize(
    "item",
    [
        cnp(tier="Amdin"),
        ingress(action="Deyn"),
        egress({"networks": ["10.0.0.0/40"]}),
        ingress(protocols=[{"tcp": port(0)}]),
        ingress(**{"from": []}),
    ],
)
def test_a_wrong_value_is_an_error_in_both_modes(item: dict[str, object]) -> None:
    for mode in OnUnknown:
        with pytest.raises(InputError):
            read(item, mode)


def test_an_unknown_entry_of_a_network_policy_matches_nothing() -> None:
    rule = {
        "from": [{"podSelector": {}}, {"future": {}}, {}],
        "ports": [{"port": 80}, {"future": 1}],
    }
    found = only(closed(network_policy(ingress=[rule])))
    assert found.peers == (PodsPeer(OneNamespace("shop")),)
    assert found.ports == (Ports(Protocol.TCP, (80, 80)),)
    found = only(closed(network_policy(ingress=[{"from": [{"future": {}}]}])))
    assert (found.peers, found.ports) == ((), None)


def test_an_unknown_field_of_a_network_policy_rule_makes_it_match_nothing() -> None:
    assert only(closed(network_policy(ingress=[{"form": []}]))).peers == ()


def test_a_network_policy_without_a_spec_isolates_its_namespace() -> None:
    item = network_policy()
    del item["spec"]
    found = closed(item)
    assert (found.ingress, found.egress) == ((), None)
    assert found.subject == PodsPeer(OneNamespace("shop"))


def test_a_misspelt_policy_types_isolates_both_directions() -> None:
    found = closed(network_policy(policyType=["Egress"], ingress=[{}]))
    assert (only(found).peers, found.egress) == ((), ())


def test_rules_know_where_they_were_read() -> None:
    rule = only(read(ingress()))
    assert rule.place is not None
    assert rule.place.path == ("spec", "ingress", 0)
