"""What all tests share: the option for conformance cases, and the marker of tests by packets."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import apiserver
import netcluster
import pytest
import small_cluster
from cnpc.compiler.passes.port_plan import port_plan
from neighbours import scene
from netcluster.namespaces import Namespace

_missing = cache(netcluster.missing)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cases",
        type=Path,
        metavar="DIR",
        help="run the conformance cases of DIR/cases.json by packets",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "requires_root_and_nft: sends packets through network namespaces; skipped where that is"
        " impossible, failed if CNPC_REQUIRE_PACKETS=1",
    )
    config.addinivalue_line(
        "markers",
        "requires_apiserver: runs what `make apiserver` builds; skipped where that is missing,"
        " failed if CNPC_REQUIRE_PACKETS=1",
    )
    config.addinivalue_line(
        "markers",
        "requires_commands(*names): runs these programs; skipped where one is missing, failed if"
        " CNPC_REQUIRE_PACKETS=1",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("requires_root_and_nft") is not None and (reason := _missing()):
        _leave_out(reason)
    if item.get_closest_marker("requires_apiserver") is not None and (
        reason := apiserver.missing()
    ):
        _leave_out(reason)
    for marker in item.iter_markers("requires_commands"):
        lacking = [command for command in marker.args if shutil.which(command) is None]
        if lacking:
            _leave_out(f"needs {' '.join(lacking)}")


def _leave_out(reason: str) -> None:
    if os.environ.get("CNPC_REQUIRE_PACKETS") == "1":
        pytest.fail(f"all tests are required here, but: {reason}", pytrace=False)
    pytest.skip(f"left out: {reason}")


@pytest.fixture(autouse=True)
def _forget_decisions() -> Iterator[None]:
    """Have no test see what another one's costs decided."""
    yield
    port_plan.cache_clear()


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apiserver.ApiServer]:
    """An API server with the CRDs of network-policy-api, for all tests that do not end it."""
    with apiserver.ApiServer(tmp_path_factory.mktemp("apiserver")) as server:
        server.install_crds()
        yield server


@pytest.fixture(scope="session")
def scene_client(api_server: apiserver.ApiServer) -> Iterator[apiserver.Client]:
    """An administrator of the API server, which holds the cluster of neighbours.scene."""
    with api_server.client() as client:
        for manifest in scene.manifests():
            client.create(manifest)
        yield client


@pytest.fixture(scope="session")
def _small_cluster() -> Iterator[netcluster.Cluster]:
    with netcluster.Cluster(small_cluster.TOPOLOGY) as cluster:
        yield cluster


@pytest.fixture
def cluster(_small_cluster: netcluster.Cluster) -> Iterator[netcluster.Cluster]:
    """The cluster of small_cluster, without rulesets and connections."""
    yield _small_cluster
    _small_cluster.clear()


@pytest.fixture
def space() -> Iterator[Namespace]:
    """A network namespace of its own, which the test is in."""
    space = Namespace()
    with space.entered():
        yield space
    space.close()


@pytest.fixture(params=netcluster.LOADERS)
def loader(request: pytest.FixtureRequest) -> netcluster.Loader:
    """Each way to load a ruleset."""
    found = netcluster.LOADERS[request.param]
    lacking = [tool for tool in found.tools if shutil.which(tool) is None]
    if lacking:
        _leave_out(f"needs {' '.join(lacking)}")
    return found
