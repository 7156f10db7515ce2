"""What fails closed, and what is an error even then."""

from __future__ import annotations

import pytest
from cnpc.compiler.errors import InputError
from cnpc.compiler.manifests.load import OnUnknown
from cnpc.compiler.model.policy import Action, Direction, OneNamespace, PodsPeer, PolicyRule, Ports
from cnpc.compiler.net import Protocol
from policies import (
    ALL,
    ANYONE,
    admin,
    closed,
    cnp,
    egress,
    ingress,
    labels,
    network_policy,
    only,
    port,
    read,
)

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


BAD_CONDITIONS: list[dict[str, object]] = [
    {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]},
    {"matchExpressions": [{"key": "a", "operator": ""}]},
    {"matchExpressions": [{"key": "a", "operator": "In"}]},
    {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": []}]},
    {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]},
    {"matchExpressions": [{"key": "a b", "operator": "Exists"}]},
    {"matchExpressions": [{"key": "", "operator": "DoesNotExist"}]},
    {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", "c d"]}]},
    {"matchLabels": {"a b": "c"}},
    {"matchLabels": {"a": "-"}},
    {"matchLabels": {"a": "x" * 64}},
]


def is_closed(rule: PolicyRule, action: str) -> bool:
    if action in ("Accept", "Allow"):
        return (rule.action, rule.peers) == (Action.ACCEPT, ())
    return (rule.action, rule.peers, rule.ports) == (Action.DENY, None, None)


@pytest.mark.parametrize("action", ["Accept", "Deny", "Pass"])
@pytest.mark.parametrize("selector", BAD_CONDITIONS)
def test_a_condition_that_no_server_checks_closes_its_rule(
    selector: dict[str, object], action: str
) -> None:
    for peer in (
        {"namespaces": selector},
        {"pods": {"podSelector": selector}},
        {"nodes": selector},
    ):
        found = closed(egress(ANYONE, peer, action=action))
        assert is_closed(only(found, Direction.EGRESS), action)


@pytest.mark.parametrize("selector", BAD_CONDITIONS)
def test_such_a_condition_on_the_subject_closes_all_rules_for_whom_it_may_select(
    selector: dict[str, object],
) -> None:
    rules = [{"action": action, "from": [ANYONE]} for action in ("Accept", "Deny")]
    subject = {
        "pods": {
            "namespaceSelector": {"matchLabels": {"team": "a"}},
            "podSelector": {"matchLabels": {"app": "web"}} | selector,
        }
    }
    found = closed(cnp(subject=subject, ingress=rules))
    accept, deny = found.ingress or ()
    assert is_closed(accept, "Accept")
    assert is_closed(deny, "Deny")
    keys = {"app": "web"} if "matchLabels" not in selector else {}
    assert found.subject == PodsPeer(labels(team="a"), labels(**keys))


def test_the_api_server_checks_the_conditions_of_network_policies_but_for_old_values() -> None:
    for selector in BAD_CONDITIONS:
        values = "c d" in str(selector) or (
            "matchLabels" in selector and "a b" not in str(selector)
        )
        subject, peer = (
            network_policy(podSelector=selector, ingress=[{}]),
            network_policy(ingress=[{"from": [{"podSelector": selector}]}]),
        )
        for item in (subject, peer):
            if values:
                assert only(closed(item)).peers == ()
            else:
                with pytest.raises(InputError):
                    read(item, OnUnknown.FAIL_CLOSED)


@pytest.mark.parametrize(
    "block",
    [
        {"cidr": "010.020.0.0/16"},
        {"cidr": "10.0.0.0/08"},
        {"cidr": "::ffff:10.9.0.0/112"},
        {"cidr": "00001::/16"},
        {"cidr": "10.0.0.0/8", "except": ["10.01.0.0/16"]},
        {"cidr": "10.0.0.0/8", "except": ["::ffff:10.1.0.0/112"]},
    ],
)
def test_a_block_that_only_the_api_server_understands_matches_nothing(
    block: dict[str, object],
) -> None:
    peers: list[object] = [{"ipBlock": block}, {"podSelector": {}}]
    assert only(closed(network_policy(ingress=[{"from": peers}]))).peers == (
        PodsPeer(OneNamespace("shop")),
    )
    assert only(closed(network_policy(ingress=[{"from": peers[:1]}]))).peers == ()


@pytest.mark.parametrize("cidr", ["10.0.0.0/33", "256.0.0.0/8", "10.0.0/8", "10.0.0.0", "::/129"])
def test_a_block_that_nobody_understands_is_an_error(cidr: str) -> None:
    item = network_policy(ingress=[{"from": [{"ipBlock": {"cidr": cidr}}]}])
    with pytest.raises(InputError):
        read(item, OnUnknown.FAIL_CLOSED)


NAMES: dict[str, object] = {"domainNames": ["example.com"]}


@pytest.mark.parametrize(
    ("item", "action"),
    [
        (egress(NAMES, action="Deny"), "Deny"),
        (egress(NAMES, action="Pass"), "Pass"),
        (cnp(tier="Baseline", egress=[{"action": "Accept", "to": [NAMES]}]), "Accept"),
        (cnp("v1beta1", egress=[{"action": "Deny", "to": [NAMES]}]), "Deny"),
        (egress({"domainNames": ["_tcp.example.com"]}), "Accept"),
        (admin(egress=[{"action": "Deny", "to": [NAMES]}]), "Deny"),
        (admin("BaselineAdminNetworkPolicy", egress=[{"action": "Allow", "to": [NAMES]}]), "Allow"),
    ],
)
def test_domain_names_where_they_cannot_be_close_their_rule(
    item: dict[str, object], action: str
) -> None:
    assert is_closed(only(closed(item), Direction.EGRESS), action)


@pytest.mark.parametrize(
    "entry",
    [
        {"portRange": {"start": 5, "end": 5}},
        {"portRange": {"protocol": "UDP", "start": 9, "end": 5}},
        {"portNumber": {"protocol": "tcp", "port": 80}},
        {"portNumber": {"protocol": "", "port": 80}},
        {"namedPort": ""},
    ],
)
def test_ports_that_v1alpha1_does_not_check_close_their_rule(entry: dict[str, object]) -> None:
    rule = {"action": "Deny", "from": [ANYONE], "ports": [entry]}
    assert is_closed(only(closed(admin(ingress=[rule]))), "Deny")


def test_v1beta1_has_no_host_bits_nor_ports_of_drafts() -> None:
    names = {"domainNames": ["_tcp.example.com"]}
    for peer in ({"networks": ["10.0.0.1/8"]}, names):
        with pytest.raises(InputError):
            read(cnp("v1beta1", egress=[{"action": "Accept", "to": [peer]}]), OnUnknown.FAIL_CLOSED)
    ports = [{"portNumber": {"port": 80}}]
    rule = {"action": "Accept", "from": [ANYONE], "ports": ports}
    assert is_closed(only(closed(cnp("v1beta1", ingress=[rule]))), "Accept")
    assert only(read(ingress(ports=ports))).ports == (Ports(Protocol.TCP, (80, 80)),)


@pytest.mark.parametrize("mode", list(OnUnknown))
def test_a_subject_of_v1alpha1_names_its_namespaces(mode: OnUnknown) -> None:
    pods: dict[str, object] = {"podSelector": {}}
    with pytest.raises(InputError):
        read(admin(subject={"pods": pods}), mode)
    found = read(admin(subject={"pods": pods | {"namespaceSelector": {}}}), mode)
    assert found.subject == read(cnp(subject={"pods": pods})).subject
