"""The public conformance cases, by packets: ``pytest --cases DIR``, DIR holding cases.json.

The suite's deny is a drop without an answer, its accept an answer of a listener. Rulesets come from
the command as users run it, so that nothing but the command line is taken for granted.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netcluster
import pytest
import yaml
from netcluster import Cluster, Loader, Node, Pod, Probe, Topology, Verdict
from netcluster.topology import family_of

VERDICTS = {"accept": Verdict.ACCEPTED, "deny": Verdict.DROPPED}
PROTOCOLS = {"TCP": netcluster.TCP, "UDP": netcluster.UDP, "SCTP": netcluster.SCTP}
FAMILIES = {"IPv4": "AF_INET", "IPv6": "AF_INET6"}

Json = dict[str, Any]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    folder = metafunc.config.getoption("--cases")
    if "case" not in metafunc.fixturenames or folder is None:
        return
    cases = json.loads((folder / "cases.json").read_text())["cases"]
    runs = [(case, family) for case in cases for family in case["families"]]
    names = [f"{case['id']}-{family}" for case, family in runs]
    metafunc.parametrize(("case", "family"), runs, ids=names)


@pytest.fixture
def case() -> Json:
    pytest.skip("no conformance cases: give their folder with --cases DIR")


@pytest.fixture
def family() -> str:
    return ""


def rulesets(backend: str, target: Path, *paths: Path) -> Mapping[str, Mapping[str, str]]:
    """Return each node's texts by suffix, compiled from the manifests of the paths."""
    command = shutil.which("cnpc", path=str(Path(sys.executable).parent))
    assert command is not None, "cnpc is not installed beside this Python"
    done = subprocess.run(
        [command, "compile", "-q", "--backend", backend, "-o", target, *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    texts: dict[str, dict[str, str]] = {}
    for path in target.iterdir():
        texts.setdefault(path.stem, {})[path.suffix[1:]] = path.read_text()
    return texts


def read_topology(path: Path) -> Topology:
    """Return the nodes and pods of a List of manifests, read without the compiler's help."""
    items = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["items"]
    return Topology(
        tuple(_node(item) for item in items if item["kind"] == "Node"),
        tuple(_pod(item) for item in items if item["kind"] == "Pod"),
    )


def _node(item: Json) -> Node:
    addresses = item["status"]["addresses"]
    ips = tuple(entry["address"] for entry in addresses if entry["type"] != "Hostname")
    return Node(item["metadata"]["name"], ips)


def _pod(item: Json) -> Pod:
    name, spec = item["metadata"], item["spec"]
    ips = tuple(entry["ip"] for entry in item["status"]["podIPs"])
    host_network = spec.get("hostNetwork", False)
    return Pod(name["namespace"], name["name"], spec["nodeName"], ips, host_network)


@dataclass
class Runner:
    """Builds each topology and compiles each input once."""

    folder: Path
    scratch: Path
    stack: ExitStack
    listens: Mapping[str, list[Json]]
    clusters: dict[Topology, Cluster] = field(default_factory=dict)
    compiled: dict[tuple[str, ...], Mapping[str, Mapping[str, str]]] = field(default_factory=dict)

    def cluster(self, file: str) -> Cluster:
        topology = read_topology(self.folder / file)
        if topology not in self.clusters:
            self.clusters[topology] = self.stack.enter_context(Cluster(topology))
        return self.clusters[topology]

    def rulesets(self, backend: str, file: str, policies: str) -> Mapping[str, Mapping[str, str]]:
        key = (backend, file, policies)
        if key not in self.compiled:
            target = self.scratch / str(len(self.compiled))
            paths = [path for path in self._manifests(policies) if path.name != "cluster.yaml"]
            self.compiled[key] = rulesets(backend, target, self.folder / file, *paths)
        return self.compiled[key]

    def _manifests(self, policies: str) -> list[Path]:
        found = sorted((self.folder / policies).glob("*.yaml"))
        assert found, f"no policies in {policies}"
        return found


@pytest.fixture(scope="module")
def runner(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runner]:
    folder = request.config.getoption("--cases")
    with ExitStack() as stack:
        listens = json.loads((folder / "cases.json").read_text())["listens"]
        yield Runner(folder, tmp_path_factory.mktemp("rulesets"), stack, listens)


def probes(topology: Topology, case: Json, family: str) -> list[Probe]:
    """Return the case's probes between the addresses of one family."""
    return [
        Probe(
            entry["from"],
            next(ip for ip in topology.addresses(entry["to"]) if _is(family, ip)),
            PROTOCOLS[entry["protocol"]],
            entry["port"],
        )
        for entry in case["probes"]
    ]


def _is(family: str, address: str) -> bool:
    return family_of(address).name == FAMILIES[family]


@pytest.mark.requires_root_and_nft
def test_conformance(
    case: Json, family: str, loader: Loader, request: pytest.FixtureRequest
) -> None:
    runner: Runner = request.getfixturevalue("runner")
    cluster = runner.cluster(case["cluster"])
    for entry in case["probes"]:
        listener = {"protocol": entry["protocol"], "port": entry["port"]}
        assert listener in runner.listens[entry["to"]], "the case probes a port nobody listens on"
    cluster.clear()
    loaded = runner.rulesets(loader.backend, case["cluster"], case["policies_dir"])
    assert set(loaded) == {node.name for node in cluster.topology.nodes}
    for node, texts in loaded.items():
        cluster.install(node, texts, loader)
    results = cluster.probe(probes(cluster.topology, case, family))
    for result in results:
        assert result.arrival is None or result.arrival.destination == result.probe.destination
    netcluster.check(results, [VERDICTS[entry["expect"]] for entry in case["probes"]])
