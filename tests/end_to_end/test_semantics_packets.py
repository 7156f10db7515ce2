"""What the loaded rulesets do to packets is what the policies mean: oracle == packets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from cnpc.backends.registry import BACKENDS, passes_of
from cnpc.compiler.manifests.load import Inputs
from cnpc.compiler.net import format_address
from cnpc.compiler.options import DenyWith, Options, OwnNode
from cnpc.compiler.passes import PASSES, cost_model
from cnpc.compiler.pipeline import Pipeline
from forced import make_ports_pay
from netcluster import (
    OUTSIDE,
    Cluster,
    Loader,
    Probe,
    Topology,
    Verdict,
    check,
    routable,
    service_of,
    translation,
)
from oracle import Flow, Oracle
from oracle.flow import State
from semantics.evaluation import read
from worlds import LARGE, SMALL, World, flows, seeded
from worlds.strategies import profile_name

WORLDS = {"dev": 6, "ci": 60}
OPTIONS = (
    Options(),
    Options(own_node=OwnNode.ENFORCE),
    Options(deny_with=DenyWith.REJECT),
)

pytestmark = pytest.mark.requires_root_and_nft


@pytest.mark.parametrize("seed", range(WORLDS[profile_name()]))
def test_small_worlds(seed: int, loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    if seed % 2:  # worlds are small: maps of peers and of networks would not pay
        monkeypatch.setattr(cost_model, "_DISPATCH", -1)
        monkeypatch.setattr(cost_model, "_INTERVALS", -10_000)
        monkeypatch.setattr(cost_model, "_LARGE_SET", 4)
    if seed % 4 == 1:
        make_ports_pay(monkeypatch)
    hold(seeded(seed, replace(SMALL, loose=False)), OPTIONS[seed % len(OPTIONS)], loader)


def test_large_world(loader: Loader) -> None:
    hold(seeded(0, replace(LARGE, loose=False)), OPTIONS[0], loader)


def hold(world: World, options: Options, loader: Loader) -> None:
    """Fail with a table of flows that the kernel judges unlike the oracle, at any level."""
    inputs = read(world.documents, unknown=False)
    oracle = Oracle(world.documents, options.own_node.value, options.deny_with.value)
    names = dict(_names(inputs))
    asked = [flow for flow in flows(world) if is_plain(flow)]
    probes = [probe(flow, names) for flow in asked]
    expected = [verdict(oracle, flow, options) for flow in asked]
    with Cluster(Topology.from_snapshot(inputs.snapshot)) as cluster:
        for level in PASSES:
            load(cluster, inputs, options, level, loader)
            try:
                check(cluster.probe(probes), expected)
            except AssertionError as problem:
                pytest.fail(f"{world.to_yaml()}\n-O{level} {options}\n{problem}", pytrace=False)


def load(cluster: Cluster, inputs: Inputs, options: Options, level: int, loader: Loader) -> None:
    cluster.clear()
    backend = BACKENDS[loader.backend]()
    passes = passes_of(backend)
    pipeline = Pipeline(inputs.snapshot, inputs.policies, options, level, passes)
    for node in pipeline.resolver.node_names():
        cluster.load(node, translation(cluster.topology, node))
        cluster.install(node, backend.build(pipeline.program(node), ()).texts, loader)


def is_plain(flow: Flow) -> bool:
    """Tell whether a single new packet on the wire can ask for the flow.

    SNAT tells flows of one pod to itself apart by ports alone.
    """
    has_ports = flow.port is not None or flow.icmp_type is not None
    return (
        flow.state is State.NEW
        and (flow.source != flow.destination or flow.through_service)
        and (has_ports or not flow.through_service)
        and routable(flow.source)
        and routable(flow.destination)
    )


def probe(flow: Flow, names: dict[str, str]) -> Probe:
    source = names.get(flow.source, OUTSIDE)
    destination = service_of(flow.destination) if flow.through_service else flow.destination
    return Probe(source, destination, flow.protocol, flow.port or 0, flow.source)


def verdict(oracle: Oracle, flow: Flow, options: Options) -> Verdict:
    if oracle.judge(flow).allowed:
        return Verdict.ACCEPTED
    return Verdict.REJECTED if options.deny_with is DenyWith.REJECT else Verdict.DROPPED


def _names(inputs: Inputs) -> Iterator[tuple[str, str]]:
    for node in inputs.snapshot.nodes:
        for family, address in node.addresses:
            yield format_address(family, address), node.name
    for pod in inputs.snapshot.endpoints:
        for family, address in pod.addresses:
            yield format_address(family, address), f"{pod.namespace}/{pod.name}"
