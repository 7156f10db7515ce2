"""The bench: its workloads are what they say, and the same each time; a tiny run goes through."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import clusters
import lookup
import pytest
from clusters import Cluster
from clusters.naming import address
from clusters.objects import Object, write_list
from clusters.one_node import SHAPES, Shape
from cnpc.compiler.manifests.load import load
from compiling import Task
from forwarding import SYN, Router
from results import LEVELS, Results, Sweep, page
from side_by_side import NftTable, NoRuleset, Switch, chains
from svg_chart import Panel, draw

TINY = 0.001
DIGEST = "3c197443361eda0e218f0657497ac53faa891b5804f617aaa2de7432210ae3b8"
SHAPE = Shape(groups=2, policies_each=2, pods=40, local=8, classes=5, rules=2, ports=2)

WORKLOADS = [
    clusters.limits(TINY),
    clusters.limits(TINY, dual=True),
    clusters.namespaces(TINY),
    clusters.medium(0.01),
    clusters.node_policies(SHAPE),
    *(make(0.02) for make in clusters.ADVERSARIAL),
]


def written(cluster: Cluster, path: Path) -> bytes:
    write_list(path, cluster.objects())
    return path.read_bytes()


@pytest.mark.parametrize("cluster", WORKLOADS, ids=lambda item: item.name)
def test_a_workload_is_the_same_each_time_and_is_read_without_complaint(
    cluster: Cluster, tmp_path: Path
) -> None:
    path = tmp_path / "cluster.json"
    assert written(cluster, path) == written(cluster, path)
    inputs = load([str(path)])
    assert inputs.warnings == ()
    assert inputs.policies
    assert any(endpoint.node == cluster.node for endpoint in inputs.snapshot.endpoints)


def test_workloads_are_the_same_on_every_machine(tmp_path: Path) -> None:
    text = b"".join(written(cluster, tmp_path / "one.json") for cluster in WORKLOADS)
    assert hashlib.sha256(text).hexdigest() == DIGEST


def kinds(cluster: Cluster) -> Counter[object]:
    return Counter(item["kind"] for item in cluster.objects())


def test_the_limits_are_in_proportion() -> None:
    found = kinds(clusters.limits(0.01))
    assert found["Node"] == 50
    assert found["Pod"] == 1_500
    assert found["Namespace"] == found["NetworkPolicy"] == 100
    assert found["ClusterNetworkPolicy"] == 2


def test_the_measured_node_of_the_limits_is_full() -> None:
    on_node = [
        item
        for item in clusters.limits(0.01).objects()
        if item["kind"] == "Pod" and node_of(item) == "node-0000"
    ]
    assert len(on_node) == 110


def node_of(item: Object) -> object:
    spec = item["spec"]
    assert isinstance(spec, dict)
    return spec["nodeName"]


def test_a_pod_is_at_least_two_kilobytes(tmp_path: Path) -> None:
    cluster = clusters.limits(TINY)
    size = len(written(cluster, tmp_path / "cluster.json"))
    assert size >= 2_048 * kinds(cluster)["Pod"]


def test_small_namespaces_have_four_pods_and_three_policies() -> None:
    found = kinds(clusters.namespaces(0.01))
    assert found["Pod"] == 4 * found["Namespace"]
    assert found["NetworkPolicy"] == 3 * found["Namespace"]


def test_the_sweep_goes_from_ten_to_ten_thousand() -> None:
    assert [shape.policies for shape in SHAPES] == [10, 10, 100, 500, 1_000, 10_000]


def test_allowed_connections_come_from_elsewhere_and_are_different() -> None:
    found = lookup.allowed(SHAPE, 200)
    local = {address(number) for number in range(SHAPE.local)}
    assert len(set(found)) == 200
    assert {str(item.destination) for item in found} <= local
    assert not {str(item.source) for item in found} & local


def test_a_packet_has_a_good_checksum() -> None:
    (connection, *_) = lookup.allowed(SHAPE, 1)
    head = connection.packet(SYN)[:20]
    words = [int.from_bytes(head[index : index + 2], "big") for index in range(0, 20, 2)]
    assert sum(words) % 0xFFFF == 0


def test_the_picture_is_an_xml_document() -> None:
    lines = {"a & b": [(10.0, 100.0), (1_000.0, 200.0)], "c": [(10.0, 5.0), (1_000.0, 7.0)]}
    root = ET.fromstring(draw([Panel("<title>", "across", "up", lines)] * 2))  # noqa: S314 - our own text
    assert root.tag.endswith("svg")
    assert sum(item.tag.endswith("polyline") for item in root.iter()) == 4


def test_a_page_without_packets_says_so() -> None:
    made = page(
        Results("a machine", "Measured", 500, [], [], {}, {}, ["packets, because there is no root"])
    )
    assert "- Note: packets, because there is no root." in made


@pytest.mark.requires_root_and_nft
def test_a_router_forwards_what_is_allowed_and_nothing_else() -> None:
    connections = lookup.allowed(SHAPE, 20)
    packets = [item.packet(SYN) for item in connections]
    drop = "table inet t { chain f { type filter hook forward priority 0; policy drop; }; }"
    rulesets: dict[str, Switch] = {
        "linear": NftTable("linear", lookup.linear_ruleset(3)),
        "drop": NftTable("t", drop),
        "nothing": NoRuleset(),
    }
    with Router(rulesets) as router:
        for name, expected in (("linear", 20), ("drop", 20), ("nothing", 40)):
            with router.in_force(name):
                router.forward(packets)
            assert router.forwarded() == expected
            router.forget()


@pytest.mark.requires_root_and_nft
def test_a_tiny_comparison_goes_through(tmp_path: Path) -> None:
    connections = tuple(lookup.allowed(SHAPE, 30))
    floor = NftTable("floor", lookup.empty_ruleset())
    rulesets: dict[str, Switch] = {lookup.EMPTY: floor}
    rulesets["two"] = NftTable("two", lookup.two_maps_ruleset(connections))
    for level, name in enumerate(LEVELS):
        rulesets[name] = NftTable(f"level{level}", texts("nftables", level, tmp_path)["nft"])
    made = texts("iptables", 2, tmp_path)
    lanes = {"nft": lookup.Lane(connections, rulesets)}
    ways = dict.fromkeys((lookup.EMPTY, LEVELS[-1], lookup.IN_FILTER, lookup.REJECTING), made)
    for flavour in ("legacy", "nft"):
        lanes[f"iptables-{flavour}"] = lookup.Lane(connections, chains(flavour, ways))
    found = lookup.compare(lanes, rounds=1)
    for name, lane in lanes.items():
        assert set(found[name].new) == set(found[name].established) == set(lane.rulesets)
        assert found[name].above[lookup.EMPTY] == 0
    shape = Sweep(SHAPE, found["nft"])
    flavours = {"legacy": found["iptables-legacy"]}
    made_page = page(Results("a machine", "Measured", 500, [], [shape], flavours, {0: 1.0}, []))
    assert "| iptables-legacy |" in made_page


def texts(backend: str, level: int, folder: Path) -> dict[str, str]:
    cluster = clusters.node_policies(SHAPE)
    source, stem = folder / "cluster.json", folder / "made"
    write_list(source, cluster.objects())
    assert Task(source, level, cluster.node, 2, backend).measure(stem).rules > 0
    return {path.suffix[1:]: path.read_text() for path in folder.glob("made.*")}
