"""Beside real CNI plugins: policies hold for the pods that they attach, and through host ports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from apiserver import Client
from neighbours import scene
from neighbours.admin import Admin, put_policies
from neighbours.cni import PLUGINS, Cni, HostPort
from neighbours.flavours import search_path
from neighbours.foreign import foreign_rules
from neighbours.policies import POLICIES
from neighbours.probes import Frontend, PolicyProbe, check, through_frontend
from neighbours.scene import TOPOLOGY, A, B
from netcluster import OUTSIDE, Cluster

pytestmark = [
    pytest.mark.requires_root_and_nft,
    pytest.mark.requires_apiserver,
    pytest.mark.requires_commands(*PLUGINS),
]

BACKENDS = ("nftables", "iptables")
PORT = HostPort(8088, target=8080)


@dataclass(frozen=True, slots=True)
class Way:
    """How pods are attached, and by which flavour of iptables the plugins make their rules."""

    main: str
    flavour: str
    firewall: bool

    def __str__(self) -> str:
        return f"{self.main}{'-firewall' if self.firewall else ''}-{self.flavour}"


WAYS = (
    Way("ptp", "nft", firewall=True),
    Way("ptp", "legacy", firewall=True),
    Way("bridge", "nft", firewall=False),
    Way("bridge", "legacy", firewall=True),
)


@dataclass(frozen=True, slots=True)
class Node:
    """The cluster with plugins on node n1, which attach its pods, and its administrator."""

    cluster: Cluster
    plugins: Cni
    admin: Admin

    @property
    def foreign_rules(self) -> str:
        return foreign_rules(self.cluster.namespace("n1"))


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture
def node(way: Way, scene_client: Client, tmp_path: Path) -> Iterator[Node]:
    """The cluster whose pods on n1 have not been attached."""
    path = search_path(tmp_path, way.flavour)
    plugins = Cni("n1", way.main, path, firewall=way.firewall, host_ports={A.full_name: PORT})
    with Cluster(TOPOLOGY, plugins.wire) as cluster:
        yield Node(cluster, plugins, Admin(scene_client, cluster, tmp_path, {"PATH": path}))


def all_probes() -> list[PolicyProbe]:
    frontend = Frontend("host port", TOPOLOGY.addresses("n1"), PORT.port, A, PORT.target)
    found = scene.direct_probes()
    for source in ("t/a", "t/b", "t/c", "n1", OUTSIDE):
        found += through_frontend(TOPOLOGY, "n1", source, frontend)
    return found


@pytest.mark.parametrize("backend", BACKENDS)
def test_policies_hold_for_pods_that_plugins_attached(
    node: Node, scene_client: Client, backend: str
) -> None:
    for pod in (A, B):
        node.plugins.attach(pod)
    for name in ("default deny", "admin deny", "blocks"):
        put_policies(scene_client, POLICIES[name])
        oracle = node.admin.enforce(backend)
        check(node.cluster, all_probes(), oracle)


@pytest.mark.parametrize("backend", BACKENDS)
def test_policies_hold_for_pods_that_come_and_go_after_cnpc(
    node: Node, scene_client: Client, backend: str
) -> None:
    put_policies(scene_client, POLICIES["default deny"])
    oracle = node.admin.enforce(backend)
    for pod in (A, B):
        node.plugins.attach(pod)
    check(node.cluster, all_probes(), oracle)
    node.plugins.detach(A)
    node.plugins.attach(A)
    check(node.cluster, all_probes(), oracle)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_rules_of_the_plugins_stay_as_they_are(
    node: Node, scene_client: Client, backend: str
) -> None:
    for pod in (A, B):
        node.plugins.attach(pod)
    before = node.foreign_rules
    assert "CNI-HOSTPORT-DNAT" in before
    put_policies(scene_client, POLICIES["blocks"])
    node.admin.enforce(backend)
    assert node.foreign_rules == before
    node.admin.flush()
    assert node.foreign_rules == before
