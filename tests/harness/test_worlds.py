"""Random worlds must be valid, varied and repeatable, or the tests that use them show nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from oracle import Oracle, State
from semantics.evaluation import read
from worlds import LARGE, SMALL, World, flows, seeded, shrink
from worlds.strategies import register_profiles, worlds

register_profiles()

WORLDS = [seeded(seed) for seed in range(150)]
UNKNOWN = [seeded(seed, replace(SMALL, unknown=True)) for seed in range(150)]


@pytest.mark.parametrize("seed", range(0, len(WORLDS), 10))
def test_worlds_are_valid_strict_input(seed: int) -> None:
    for world in WORLDS[seed : seed + 10]:
        read(world.documents, unknown=False)


def test_large_worlds_are_valid_strict_input() -> None:
    world = seeded(0, LARGE)
    inputs = read(world.documents, unknown=False)
    assert len(inputs.snapshot.endpoints) > 10


def test_a_seed_gives_one_world_and_its_flows() -> None:
    assert seeded(7) == seeded(7)
    assert flows(seeded(7)) == flows(seeded(7))
    assert seeded(7) != seeded(8)


@given(world=worlds())
def test_hypothesis_draws_valid_worlds(world: World) -> None:
    read(world.documents, unknown=False)


def test_unknown_fields_occur_at_every_place() -> None:
    found = Counter(path for world in UNKNOWN for path, _ in _leaves(world.kind(*POLICIES)))
    for path in (
        "ClusterNetworkPolicy.spec.ingress.from.future",
        "ClusterNetworkPolicy.spec.egress.to.services",
        "ClusterNetworkPolicy.spec.ingress.from.nodes",
        "ClusterNetworkPolicy.spec.egress.to.namespaces.future",
        "ClusterNetworkPolicy.spec.ingress.protocols.quic",
        "ClusterNetworkPolicy.spec.egress.protocols.tcp.future",
        "ClusterNetworkPolicy.spec.egress.ports.portNumber.future",
        "ClusterNetworkPolicy.spec.egress.schedule",
        "AdminNetworkPolicy.spec.ingress.from.identities",
        "NetworkPolicy.spec.ingress.from.future",
        "NetworkPolicy.spec.egress.to.ipBlock.future",
        "NetworkPolicy.spec.egress.ports.future",
        "NetworkPolicy.spec.ingress.schedule",
        "ClusterNetworkPolicy.spec.subject.pods.podSelector.matchExpressions.operator",
    ):
        assert found[path], path


POLICIES = (
    "ClusterNetworkPolicy",
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
    "NetworkPolicy",
)
RELEASED = [
    *(f"{p}.destinationPort.{n}" for p in ("tcp", "udp", "sctp") for n in ("number", "range.end")),
    "destinationNamedPort",
]
DRAFT = [
    *(f"portNumber.{field}" for field in ("protocol", "port")),
    *(f"portRange.{field}" for field in ("protocol", "start", "end")),
    "namedPort",
]


def _fields() -> Iterator[str]:
    """Give the fields of all policies that must occur."""
    yield "ClusterNetworkPolicy.spec.subject.namespaces.matchLabels.tenant"
    yield "ClusterNetworkPolicy.spec.subject.pods.podSelector.matchLabels.app"
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        rule = f"ClusterNetworkPolicy.spec.{direction}"
        for field in ("name", "action"):
            yield f"{rule}.{field}"
        for peer in ("namespaces", "pods.namespaceSelector"):
            for key in ("sameLabels", "notSameLabels", "matchExpressions.operator"):
                yield f"{rule}.{peers}.{peer}.{key}"
        yield f"{rule}.{peers}.pods.podSelector.matchExpressions.values"
        yield from (f"{rule}.protocols.{field}" for field in RELEASED)
        yield from (f"{rule}.ports.{field}" for field in DRAFT)
        rule = f"AdminNetworkPolicy.spec.{direction}"
        yield f"{rule}.{peers}.namespaces.namespaceSelector.matchLabels.tenant"
        yield f"{rule}.{peers}.namespaces.matchLabels.tenant"
        yield f"{rule}.{peers}.pods.namespaces.namespaceSelector.matchLabels.tenant"
        yield f"BaselineAdminNetworkPolicy.spec.{direction}.action"
        rule = f"NetworkPolicy.spec.{direction}"
        for field in ("ipBlock.cidr", "ipBlock.except", "podSelector.matchLabels.app"):
            yield f"{rule}.{peers}.{field}"
        for field in ("protocol", "port", "endPort"):
            yield f"{rule}.ports.{field}"
    for field in ("nodes.matchLabels.rack", "networks", "domainNames"):
        yield f"ClusterNetworkPolicy.spec.egress.to.{field}"
    yield "NetworkPolicy.spec.policyTypes"


def test_every_field_of_the_apis_occurs() -> None:
    found = {path for world in WORLDS for path, _ in _leaves(world.kind(*POLICIES))}
    assert not set(_fields()) - found


def test_every_kind_of_pod_occurs() -> None:
    pods = [pod for world in WORLDS for pod in world.kind("Pod")]
    phases = Counter(pod["status"]["phase"] for pod in pods)
    assert set(phases) == {"Running", "Pending", "Unknown", "Succeeded", "Failed"}
    assert any(pod["spec"].get("hostNetwork") for pod in pods)
    assert any("podIP" not in pod["status"] for pod in pods)
    assert any("podIPs" not in pod["status"] and "podIP" in pod["status"] for pod in pods)
    assert any(len(pod["status"].get("podIPs", ())) > 2 for pod in pods)
    assert any(pod["status"].get("podIP", "").lower().startswith("::ffff:") for pod in pods)
    assert any("deletionTimestamp" in pod["metadata"] for pod in pods)
    assert any(_reuses(world) for world in WORLDS)


def _reuses(world: World) -> bool:
    ips = Counter(pod["status"].get("podIP") for pod in world.kind("Pod"))
    return any(number > 1 for address, number in ips.items() if address)


def test_every_tier_decides_in_both_ways() -> None:
    last = Counter(
        (decision.steps[-1].tier, decision.steps[-1].action)
        for world in WORLDS
        for oracle in [Oracle(world.documents)]
        for flow in flows(world)
        for judgement in [oracle.judge(flow)]
        for decision in (judgement.egress, judgement.ingress)
        if decision.steps
    )
    decided = sum(last.values())
    for tier in ("Admin", "NetworkPolicy", "Baseline"):
        for action in ("Accept", "Deny"):
            assert last[tier, action] > decided / 50, (tier, action)


def test_flows_meet_the_edges_of_every_cidr() -> None:
    for world in WORLDS:
        cidrs = [text for path, text in _leaves(world.kind(*POLICIES)) if text and _is_cidr(path)]
        met = {flow.destination for flow in flows(world)}
        versions = {ip_address(address).version for address in met}
        for text in cidrs:
            network = ip_network(text, strict=False)
            if network.version in versions:
                assert {str(network[0]), str(network[-1])} <= met, text


def _is_cidr(path: str) -> bool:
    return path.endswith((".networks", ".cidr", ".except"))


def test_flows_are_of_every_kind() -> None:
    asked = [flow for world in WORLDS for flow in flows(world)]
    assert {flow.state for flow in asked} == set(State)
    assert {flow.protocol for flow in asked} >= {1, 6, 17, 47, 58, 132}
    assert any(flow.through_service for flow in asked)
    hops = Counter(
        tuple((hop.hook, hop.directions) for hop in oracle.per_node(flow))
        for world in WORLDS[:20]
        for oracle in [Oracle(world.documents)]
        for flow in flows(world)
    )
    assert set(hops) == {
        (),
        (("input", ("egress",)),),
        (("forward", ("egress",)),),
        (("forward", ("ingress",)),),
        (("forward", ("egress", "ingress")),),
        (("forward", ("egress",)), ("forward", ("ingress",))),
    }


def test_shrinking_keeps_what_the_failure_needs() -> None:
    def still_fails(world: World) -> bool:
        try:
            return any("hostNetwork" in pod["spec"] for pod in world.kind("Pod"))
        except LookupError:
            return False

    big = next(world for world in WORLDS if still_fails(world))
    assert shrink(big, still_fails).documents == ({"kind": "Pod", "spec": {"hostNetwork": True}},)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - manifests
    """Give the dotted path and the value of everything below, lists without positions."""
    if isinstance(value, dict):
        for key, item in value.items():
            start = f"{value['kind']}." if path == "" and "kind" in value else f"{path}."
            yield from _leaves(item, f"{start}{key}")
            if isinstance(item, dict | list) and not item:
                yield f"{start}{key}", item
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, path)
    else:
        yield path, value
