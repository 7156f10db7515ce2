"""Null at every place of every kind: what the API server's decoding makes of it, or an error.

NetworkPolicies come out as with Kubernetes 1.35: strict decoding, defaults, validation.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cnpc.compiler.errors import InputError
from cnpc.compiler.manifests.load import Inputs, OnUnknown, load
from cnpc.compiler.model.policy import Action, Policy

Object = dict[str, Any]
Path = tuple[str | int, ...]

ABSENT, EMPTY, TEXT, WRONG = "no such field", "{}", '""', "an error"
SELECTOR = {
    "matchLabels": {"a": "b"},
    "matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}],
}
BLOCK = {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}
PORT = {"protocol": "UDP", "port": 80, "endPort": 90}
PEERS = [{"namespaceSelector": SELECTOR, "podSelector": SELECTOR}, {"ipBlock": BLOCK}]
NETWORK_POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "p", "namespace": "shop", "generation": 3, "labels": {"a": "b"}},
    "spec": {
        "podSelector": SELECTOR,
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": PEERS, "ports": [PORT]}],
        "egress": [{"to": PEERS, "ports": [PORT]}],
    },
    "status": {},
}
OUTCOMES = {
    "apiVersion": WRONG,
    "kind": WRONG,
    "metadata": WRONG,
    "name": WRONG,
    "namespace": ABSENT,
    "generation": ABSENT,
    "labels": ABSENT,
    "labels.*": ABSENT,  # of the policy itself; nothing depends on them
    "spec": WRONG,  # the API has a policy that isolates the namespace
    "status": ABSENT,
    "podSelector": EMPTY,
    "from.podSelector": ABSENT,
    "to.podSelector": ABSENT,
    "namespaceSelector": ABSENT,
    "matchLabels": ABSENT,
    "matchLabels.*": TEXT,
    "matchExpressions": ABSENT,
    "matchExpressions.*": WRONG,
    "key": WRONG,
    "operator": WRONG,
    "values": WRONG,
    "values.*": TEXT,
    "policyTypes": ABSENT,
    "policyTypes.*": WRONG,
    "ingress": ABSENT,
    "ingress.*": EMPTY,
    "egress": ABSENT,
    "egress.*": EMPTY,
    "from": ABSENT,
    "from.*": WRONG,
    "to": ABSENT,
    "to.*": WRONG,
    "ipBlock": WRONG,
    "cidr": WRONG,
    "except": ABSENT,
    "except.*": WRONG,
    "ports": ABSENT,
    "ports.*": EMPTY,
    "protocol": ABSENT,
    "port": WRONG,  # endPort needs it
    "endPort": ABSENT,
}


def places(value: object, path: Path = ()) -> Iterator[Path]:
    """Return the path of everything inside."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, inner in items:
        yield (*path, step)
        yield from places(inner, (*path, step))


def with_value(item: Object, path: Path, value: object) -> Object:
    changed: Any = json.loads(json.dumps(item))  # in which no part is shared
    inside = changed
    for step in path[:-1]:
        inside = inside[step]
    if value is ABSENT:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    return dict(changed)


def outcome(path: Path) -> str:
    """Return the outcome by the field's name, with the one around it where that matters."""
    names = [step for step in path if isinstance(step, str)]
    around = path[-2] if len(path) > 1 else ""
    if isinstance(path[-1], int) or around in ("matchLabels", "labels"):
        return OUTCOMES[f"{around}.*"]
    return OUTCOMES.get(".".join(names[-2:])) or OUTCOMES[names[-1]]


def read(*items: Object, as_json: bool, mode: OnUnknown = OnUnknown.ERROR) -> Inputs | None:
    """Return what was read of the items, if they are not wrong."""
    if as_json:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    else:
        text = "".join(f"---\n{json.dumps(item)}\n" for item in items)
    try:
        return load(["-"], on_unknown=mode, stdin=io.BytesIO(text.encode()))
    except InputError:
        return None


def ids(path: Path) -> str:
    return ".".join(map(str, path))


@pytest.mark.parametrize("as_json", [False, True], ids=["yaml", "json"])
@pytest.mark.parametrize("path", list(places(NETWORK_POLICY)), ids=ids)
def test_a_network_policy_with_null_is_what_the_api_server_takes_it_for(
    path: Path, *, as_json: bool
) -> None:
    found = read(with_value(NETWORK_POLICY, path, None), as_json=as_json)
    expected = outcome(path)
    if expected == WRONG:
        assert found is None
        return
    values = {ABSENT: ABSENT, EMPTY: {}, TEXT: ""}
    same = read(with_value(NETWORK_POLICY, path, values[expected]), as_json=as_json)
    assert found is not None
    assert same is not None
    assert found.policies == same.policies
    assert bool(found.warnings) == (expected != ABSENT and path != ("spec", "podSelector"))


CLUSTER_PEERS: list[Object] = [
    {"namespaces": SELECTOR},
    {"namespaces": {"sameLabels": ["t"]}},
    {"pods": {"namespaceSelector": {"notSameLabels": ["t"]}, "podSelector": SELECTOR}},
    {"networks": ["10.0.0.0/8"]},
    {"nodes": SELECTOR},
    {"domainNames": ["example.com"]},
]
PROTOCOLS: list[Object] = [
    {"tcp": {"destinationPort": {"number": 80}}},
    {"udp": {"destinationPort": {"range": {"start": 1, "end": 2}}}},
    {"sctp": {"destinationPort": {"number": 80}}},
]
DRAFT_PORTS: list[Object] = [
    {"portNumber": {"protocol": "TCP", "port": 80}},
    {"portRange": {"protocol": "TCP", "start": 1, "end": 2}},
]
NAMED: Object = {"from": CLUSTER_PEERS[:3], "protocols": [{"destinationNamedPort": "http"}]}
SUBJECT: Object = {"pods": {"namespaceSelector": SELECTOR, "podSelector": SELECTOR}}


def cluster_wide(kind: str, accept: str, ports: Object, named: Object, **spec: object) -> Object:
    version = "v1alpha2" if kind == "ClusterNetworkPolicy" else "v1alpha1"
    egress = CLUSTER_PEERS[:5] if kind.startswith("Baseline") else CLUSTER_PEERS
    rules = {"name": "r", "action": accept}
    return {
        "apiVersion": f"policy.networking.k8s.io/{version}",
        "kind": kind,
        "metadata": {"name": "default"},
        "spec": {
            "subject": SUBJECT,
            "ingress": [{**rules, "from": CLUSTER_PEERS[:3], **named}],
            "egress": [{**rules, "to": egress, **ports}],
            **spec,
        },
    }


POLICIES = [
    cluster_wide(
        "ClusterNetworkPolicy",
        "Accept",
        {"protocols": PROTOCOLS},
        {"protocols": [{"destinationNamedPort": "http"}]},
        tier="Admin",
        priority=1,
    ),
    cluster_wide(
        "ClusterNetworkPolicy",
        "Accept",
        {"ports": DRAFT_PORTS},
        {"ports": [{"namedPort": "http"}]},
        tier="Admin",
        priority=1,
    ),
    *(
        cluster_wide(
            kind, "Allow", {"ports": DRAFT_PORTS}, {"ports": [{"namedPort": "http"}]}, **spec
        )
        for kind, spec in (
            ("AdminNetworkPolicy", {"priority": 1}),
            ("BaselineAdminNetworkPolicy", {}),
        )
    ),
]
PLACES = [
    (number, path)
    for number, policy in enumerate(POLICIES)
    for path in places(policy["spec"], ("spec",))
]


@pytest.mark.parametrize("as_json", [False, True], ids=["yaml", "json"])
def test_the_policies_without_null_are_right(*, as_json: bool) -> None:
    for item in (NETWORK_POLICY, *POLICIES):
        found = read(item, as_json=as_json)
        assert found is not None
        assert found.warnings == ()


@pytest.mark.parametrize("as_json", [False, True], ids=["yaml", "json"])
@pytest.mark.parametrize(("number", "path"), PLACES, ids=str)
def test_null_in_a_custom_resource_is_an_error_and_never_widens_a_rule(
    number: int, path: Path, *, as_json: bool
) -> None:
    item = with_value(POLICIES[number], path, None)
    assert read(item, as_json=as_json) is None
    found = read(item, as_json=as_json, mode=OnUnknown.FAIL_CLOSED)
    if found is None:
        return
    assert found.warnings
    peers = peers_around(found.policies[0], path)
    assert peers
    assert set(peers) == {()}


def peers_around(policy: Policy, path: Path) -> list[object]:
    """Return the peers of the rules in which the path ends; all of them if it is in none."""
    assert path[1] != "subject"
    chosen = [policy.ingress, policy.egress]
    if path[1] in ("ingress", "egress") and len(path) > 2:
        chosen = [policy.ingress if path[1] == "ingress" else policy.egress]
    rules = [rule for group in chosen for rule in group or ()]
    assert all(rule.action is Action.ACCEPT for rule in rules)
    return [rule.peers for rule in rules]


NAMESPACE: Object = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "shop", "labels": {"a": "b"}},
}
NODE: Object = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "n1", "labels": {"a": "b"}},
    "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]},
}
CONTAINERS: list[Object] = [
    {"restartPolicy": "Always", "ports": [{"name": "x", "containerPort": 80, "protocol": "UDP"}]}
]
POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"a": "b"}},
    "spec": {
        "nodeName": "n1",
        "hostNetwork": False,
        "containers": CONTAINERS,
        "initContainers": CONTAINERS,
    },
    "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]},
}
OBJECTS = {"namespace": NAMESPACE, "node": NODE, "pod": POD}
REQUIRED = {"apiVersion", "kind", "metadata", "name", "containerPort", "address"}


@pytest.mark.parametrize("as_json", [False, True], ids=["yaml", "json"])
@pytest.mark.parametrize(
    ("name", "path"),
    [(name, path) for name, item in OBJECTS.items() for path in places(item)],
    ids=str,
)
def test_null_in_an_object_of_the_cluster(name: str, path: Path, *, as_json: bool) -> None:
    items = {**OBJECTS, name: with_value(OBJECTS[name], path, None)}
    found = read(*items.values(), as_json=as_json)
    if isinstance(path[-1], int) or (path[-1] in REQUIRED and "ports" not in path[-2:-1]):
        is_port_name = path[-1] == "name" and "ports" in path
        if not is_port_name:
            assert found is None
            return
    value = "" if path[-2:-1] == ("labels",) else ABSENT
    same = read(
        *{**OBJECTS, name: with_value(OBJECTS[name], path, value)}.values(), as_json=as_json
    )
    assert found is not None
    assert same is not None
    assert found.snapshot == same.snapshot
