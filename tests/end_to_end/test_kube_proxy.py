"""Beside a real kube-proxy, in each of its modes: policies hold through Services of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from apiserver import ApiServer, Client
from neighbours import scene
from neighbours.admin import Admin, put_policies
from neighbours.foreign import foreign_rules
from neighbours.kube_proxy import MODES, KubeProxy, Mode
from neighbours.objects import endpoint_slice
from neighbours.policies import POLICIES
from neighbours.probes import check
from neighbours.scene import TOPOLOGY
from netcluster import Cluster

pytestmark = [pytest.mark.requires_root_and_nft, pytest.mark.requires_apiserver]

BACKENDS = ("nftables", "iptables")


@pytest.fixture(scope="module", params=MODES, ids=str)
def mode(request: pytest.FixtureRequest) -> Mode:
    found: Mode = request.param
    return found


@dataclass(frozen=True, slots=True)
class Scene:
    """The cluster with kube-proxy on node n1, and its administrator."""

    cluster: Cluster
    proxy: KubeProxy
    admin: Admin

    @property
    def foreign_rules(self) -> str:
        return foreign_rules(self.cluster.namespace("n1"))


@pytest.fixture(scope="module")
def running(
    api_server: ApiServer,
    scene_client: Client,
    mode: Mode,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    """The cluster while kube-proxy runs."""
    folder = tmp_path_factory.mktemp("kube-proxy")
    with Cluster(TOPOLOGY) as cluster:
        proxy = KubeProxy(api_server, "n1", cluster.namespace("n1"), mode, folder)
        try:
            proxy.start()
            proxy.wait_for_sync(scene_client)
            yield Scene(cluster, proxy, Admin(scene_client, cluster, folder, proxy.environment))
        finally:
            proxy.close()


@pytest.fixture
def flushed(running: Scene) -> Iterator[Scene]:
    """The cluster, from which a test's rulesets are removed."""
    yield running
    running.admin.flush()


@pytest.mark.parametrize("policies", POLICIES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_policies_hold_through_services(
    running: Scene, scene_client: Client, backend: str, policies: str
) -> None:
    put_policies(scene_client, POLICIES[policies])
    oracle = running.admin.enforce(backend)
    check(running.cluster, scene.all_probes(), oracle)


@pytest.mark.parametrize("backend", BACKENDS)
def test_policies_hold_whatever_kube_proxy_does(
    flushed: Scene, scene_client: Client, backend: str
) -> None:
    put_policies(scene_client, POLICIES["blocks"])
    oracle = flushed.admin.enforce(backend)
    proxy, cluster = flushed.proxy, flushed.cluster
    near, moved = scene.SERVICES[0], replace(scene.SERVICES[0], pod=scene.B)
    for pod_of_near in (moved, near):
        for address in pod_of_near.pod.addresses:
            scene_client.replace(endpoint_slice(pod_of_near, address))
        proxy.wait_for_sync(scene_client)
        check(cluster, scene.all_probes([pod_of_near]), oracle)
    proxy.restart()
    check(cluster, scene.all_probes(), oracle)
    proxy.kill()
    check(cluster, scene.all_probes(), oracle)
    proxy.start()
    check(cluster, scene.all_probes(), oracle)


@pytest.mark.parametrize("backend", BACKENDS)
def test_policies_hold_when_kube_proxy_starts_after_cnpc(
    flushed: Scene, scene_client: Client, backend: str
) -> None:
    flushed.proxy.clean_up()
    put_policies(scene_client, POLICIES["default deny"])
    oracle = flushed.admin.enforce(backend)
    check(flushed.cluster, scene.direct_probes(), oracle)
    flushed.proxy.start()
    flushed.proxy.wait_for_sync(scene_client)
    check(flushed.cluster, scene.all_probes(), oracle)
    flushed.proxy.clean_up()
    check(flushed.cluster, scene.direct_probes(), oracle)
    flushed.proxy.start()
    flushed.proxy.wait_for_sync(scene_client)


def test_what_iptables_does_not_reject_is_dropped(flushed: Scene, scene_client: Client) -> None:
    put_policies(scene_client, POLICIES["default deny"])
    oracle = flushed.admin.enforce("iptables", "reject")
    check(flushed.cluster, scene.all_probes(), oracle, reject=True)
    flushed.proxy.clean_up()
    flushed.proxy.start()  # its jumps into the table filter, which alone can reject, come first now
    flushed.proxy.wait_for_sync(scene_client)
    check(flushed.cluster, scene.all_probes(), oracle, reject=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_rules_of_kube_proxy_stay_as_they_are(
    flushed: Scene, scene_client: Client, backend: str
) -> None:
    before = flushed.foreign_rules
    assert "KUBE-SVC-" in before or "kube-proxy" in before
    put_policies(scene_client, POLICIES["admin deny"])
    flushed.admin.enforce(backend)
    assert flushed.foreign_rules == before
    flushed.admin.flush()
    assert flushed.foreign_rules == before
