"""Pods and Nodes to endpoints and nodes."""

from __future__ import annotations

import pytest
from cnpc.compiler.model.snapshot import ContainerPort, Endpoint
from cnpc.compiler.net import Family, Protocol
from manifests import Manifest, namespace, node, pod, read


def test_an_endpoint_has_its_addresses_labels_and_ports() -> None:
    ports: list[Manifest] = [
        {"name": "http", "containerPort": 8080},
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"containerPort": 9000},
    ]
    spec: Manifest = {
        "containers": [{"ports": ports}, {"ports": ports[:1]}],
        "initContainers": [
            {"restartPolicy": "Always", "ports": [{"name": "mesh", "containerPort": 15001}]},
            {"ports": [{"name": "gone", "containerPort": 1}]},
        ],
    }
    ips = [{"ip": "fd00::5"}, {"ip": "10.0.0.5"}]
    found = read(namespace("shop"), pod("a", spec=spec, podIP="10.0.0.5", podIPs=ips)).snapshot
    assert found.endpoints == (
        Endpoint(
            "shop",
            "a",
            "n1",
            {"app": "a"},
            ((Family.IPV4, 0x0A000005), (Family.IPV6, (0xFD << 120) + 5)),
            (
                ContainerPort("http", Protocol.TCP, 8080),
                ContainerPort("dns", Protocol.UDP, 53),
                ContainerPort("mesh", Protocol.TCP, 15001),
            ),
        ),
    )


@pytest.mark.parametrize(
    "absent",
    [
        pod("a", podIP=None),
        pod("a", podIP=""),
        pod("a", spec={"hostNetwork": True}),
        pod("a", phase="Succeeded"),
        pod("a", phase="Failed"),
        pod("a") | {"status": None},
        {key: value for key, value in pod("a").items() if key != "status"},
    ],
)
def test_who_has_no_address_of_its_own_or_has_ended_is_no_endpoint(absent: Manifest) -> None:
    found = read(absent)
    assert (found.snapshot.endpoints, found.warnings) == ((), ())


@pytest.mark.parametrize("phase", ["Running", "Pending", "Unknown", None])
def test_whoever_has_an_address_is_an_endpoint_even_while_it_is_deleted(phase: str | None) -> None:
    going = pod("a", phase=phase)
    going["metadata"] = {"name": "a", "deletionTimestamp": "2024-01-01T00:00:00Z"}
    (endpoint,) = read(namespace("default"), going).snapshot.endpoints
    assert (endpoint.namespace, endpoint.name) == ("default", "a")


def test_an_address_is_free_again_when_its_pod_has_ended() -> None:
    found = read(namespace("shop"), pod("old", phase="Succeeded"), pod("new"))
    assert [item.name for item in found.snapshot.endpoints] == ["new"]


def test_an_ipv4_mapped_address_counts_as_ipv4() -> None:
    found = read(
        namespace("shop"), pod("a", podIP="::ffff:10.0.0.1"), node("n1", "::ffff:172.018.0.1")
    )
    assert found.snapshot.endpoints[0].addresses == ((Family.IPV4, 0x0A000001),)
    assert found.snapshot.nodes[0].addresses == ((Family.IPV4, 0xAC120001),)
    assert found.warnings == ()


def test_a_node_has_those_of_its_addresses_that_are_ips() -> None:
    (found,) = read(node("n1", "n1.example", "fd00::1", "10.0.0.2", "10.0.0.1")).snapshot.nodes
    assert found.addresses == (
        (Family.IPV4, 0x0A000001),
        (Family.IPV4, 0x0A000002),
        (Family.IPV6, (0xFD << 120) + 1),
    )


def test_equal_labels_are_kept_once() -> None:
    first, second = pod("a"), pod("b", podIP="10.0.0.2")
    for item in (first, second):
        item["metadata"] = {"name": item["metadata"]["name"], "labels": {"app": "x"}}  # type: ignore[index] # of a literal above
    one, two = read(namespace("default"), first, second).snapshot.endpoints
    assert one.labels is two.labels
