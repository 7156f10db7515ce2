"""Beside a real firewalld: what it does to our rules, and that we leave its own alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from apiserver import Client
from neighbours import scene
from neighbours.admin import Admin, put_policies
from neighbours.firewalld import COMMANDS, Firewalld
from neighbours.foreign import foreign_rules
from neighbours.policies import POLICIES
from neighbours.probes import check
from neighbours.scene import TOPOLOGY
from netcluster import Cluster

pytestmark = [
    pytest.mark.requires_root_and_nft,
    pytest.mark.requires_apiserver,
    pytest.mark.requires_commands(*COMMANDS),
]


@dataclass(frozen=True, slots=True)
class Node:
    """The cluster with firewalld on node n1, not started yet, and its administrator."""

    cluster: Cluster
    firewalld: Firewalld
    admin: Admin

    @property
    def foreign_rules(self) -> str:
        return foreign_rules(self.cluster.namespace("n1"))


@pytest.fixture
def node(scene_client: Client, tmp_path: Path) -> Iterator[Node]:
    with Cluster(TOPOLOGY) as cluster:
        firewalld = Firewalld(cluster.namespace("n1"), tmp_path)
        try:
            yield Node(cluster, firewalld, Admin(scene_client, cluster, tmp_path, {}))
        finally:
            firewalld.close()


def test_policies_in_nftables_hold_whatever_firewalld_does(
    node: Node, scene_client: Client
) -> None:
    put_policies(scene_client, POLICIES["default deny"])
    oracle = node.admin.enforce("nftables")
    for step in (node.firewalld.start, node.firewalld.reload, node.firewalld.stop):
        step()
        check(node.cluster, scene.direct_probes(), oracle)
        assert "in force" in node.admin.run("n1", "status").out


def test_what_firewalld_removes_of_iptables_is_told_and_put_back(
    node: Node, scene_client: Client
) -> None:
    put_policies(scene_client, POLICIES["default deny"])
    oracle = node.admin.enforce("iptables")
    for step in (node.firewalld.start, node.firewalld.reload, node.firewalld.stop):
        step()
        assert "NOT in force" in node.admin.run("n1", "status", code=1).out
        node.admin.enforce("iptables")
        check(node.cluster, scene.direct_probes(), oracle)


@pytest.mark.parametrize("backend", ["nftables", "iptables"])
def test_the_rules_of_firewalld_stay_as_they_are(
    node: Node, scene_client: Client, backend: str
) -> None:
    node.firewalld.start()
    before = node.foreign_rules
    assert "table inet firewalld" in before
    put_policies(scene_client, POLICIES["blocks"])
    oracle = node.admin.enforce(backend)
    assert node.foreign_rules == before
    check(node.cluster, scene.direct_probes(), oracle)
    node.admin.flush()
    assert node.foreign_rules == before
