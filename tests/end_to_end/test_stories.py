"""The user stories: what they expect is what the semantics say, and what packets get."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import netcluster
import pytest
import yaml
from cnpc.compiler.manifests.load import load
from command import CLUSTER, cnpc
from expectations import Story, load_stories
from netcluster import OUTSIDE, Cluster, Loader, Probe, Topology, Verdict
from netcluster.topology import family_of
from oracle import Flow, Oracle
from verdicts import Places, evaluated

STORIES = load_stories()
PORTS = {
    netcluster.TCP: (22, 53, 80, 5432, 8080, 8081),
    netcluster.UDP: (53, 8080),
    netcluster.SCTP: (80,),
}
ECHO = {socket.AF_INET: netcluster.ICMP, socket.AF_INET6: netcluster.ICMPV6}
ECHO_TYPE = {netcluster.ICMP: 8, netcluster.ICMPV6: 128}
every_story = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)


def oracle(story: Story) -> Oracle:
    documents = yaml.safe_load(CLUSTER.read_text())["items"]
    for path in sorted(story.folder.glob("*.yaml")):
        documents += yaml.safe_load_all(path.read_text())
    return Oracle(documents)


def topology() -> Topology:
    return Topology.from_snapshot(load([str(CLUSTER)]).snapshot)


@pytest.fixture(scope="module")
def stories_cluster() -> Iterator[Cluster]:
    with Cluster(topology()) as cluster:
        yield cluster


@every_story
def test_expectations_are_what_the_semantics_say(story: Story) -> None:
    judge = oracle(story)
    places = Places(load([str(CLUSTER)]).snapshot)
    for expectation in story.expectations:
        for probe in places.probes(expectation):
            flow = to_flow(probe, places.topology)
            assert judge.judge(flow).allowed == expectation.allowed, f"{expectation}\n{flow}"


@every_story
def test_expectations_are_what_the_programs_do(story: Story) -> None:
    words = ["allow" if item.allowed else "deny" for item in story.expectations]
    assert evaluated((CLUSTER, story.folder), story.expectations) == words


@every_story
@pytest.mark.requires_root_and_nft
def test_every_flow_gets_its_verdict_by_packets(
    story: Story, tmp_path: Path, stories_cluster: Cluster, loader: Loader
) -> None:
    options = ("--backend", loader.backend, "-o", tmp_path)
    assert cnpc("compile", CLUSTER, story.folder, *options).code == 0
    stories_cluster.clear()
    texts: dict[str, dict[str, str]] = {}
    for path in tmp_path.iterdir():
        texts.setdefault(path.stem, {})[path.suffix[1:]] = path.read_text()
    for node, made in texts.items():
        stories_cluster.install(node, made, loader)
    where = stories_cluster.topology
    probes = list(all_probes(where))
    judge = oracle(story)
    expected = [
        Verdict.ACCEPTED if judge.judge(to_flow(probe, where)).allowed else Verdict.DROPPED
        for probe in probes
    ]
    netcluster.check(stories_cluster.probe(probes), expected)


def all_probes(where: Topology) -> Iterator[Probe]:
    """Give a flow between every two ends, over both families, to each of the ports."""
    ends = [*(node.name for node in where.nodes), *(pod.full_name for pod in where.pods), OUTSIDE]
    for source in ends:
        for destination in (end for end in ends if end != source):
            for address in where.addresses(destination):
                yield Probe(source, address, ECHO[family_of(address)])
                for protocol, ports in PORTS.items():
                    yield from (Probe(source, address, protocol, port) for port in ports)


def to_flow(probe: Probe, where: Topology) -> Flow:
    """Return the probe as the oracle asks for it."""
    return Flow(
        source=where.address(probe.source, family_of(probe.destination)),
        destination=probe.destination,
        protocol=probe.protocol,
        port=probe.port if probe.protocol in PORTS else None,
        icmp_type=ECHO_TYPE.get(probe.protocol),
    )
