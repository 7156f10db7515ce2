"""Which endpoints and addresses peers select in a snapshot."""

from __future__ import annotations

import pytest
from cnpc.compiler.model.policy import (
    LabelSelector,
    NamespaceSelection,
    NetworksPeer,
    NotSameLabels,
    OneNamespace,
    Operator,
    PodsPeer,
    Requirement,
    SameLabels,
)
from cnpc.compiler.model.resolver import Resolver, Selection, network_intervals
from cnpc.compiler.net import Family, Protocol, parse_prefix
from lowered import inputs, namespace, node, pod

SNAPSHOT = inputs(
    node("n1", "172.18.0.1", "fd00:1::1", labels="role: edge"),
    node("n2", "172.18.0.2"),
    namespace("blue", "team: b, env: x"),
    namespace("green", "env: x"),
    namespace("red", "team: a, env: x"),
    namespace("rose", "team: a, env: z"),
    pod("blue/a", "10.0.0.1", ports="http=tcp/80"),
    pod("blue/b", "10.0.0.2 fd00::2", labels="app: db"),
    pod("green/a", "10.0.0.3", node="n2", ports="http=tcp/80 x=udp/1"),
    pod("red/a", "10.0.0.4", node="n3", ports="http=sctp/80"),
    pod("rose/a", "fd00::5"),
).snapshot
RESOLVER = Resolver(SNAPSHOT)
APP_DB = LabelSelector((Requirement("app", Operator.IN, ("db",)),))


def chosen(namespaces: NamespaceSelection, subject: str, pods: LabelSelector) -> list[str]:
    found = RESOLVER.select(PodsPeer(namespaces, pods), subject)
    bits = enumerate(found.bits(), start=found.offset)
    picked = [SNAPSHOT.endpoints[place] for place, bit in bits if bit]
    return [f"{item.namespace}/{item.name}" for item in picked]


@pytest.mark.parametrize(
    ("namespaces", "subject", "found"),
    [
        (LabelSelector(), "", ["blue/a", "blue/b", "green/a", "red/a", "rose/a"]),
        (OneNamespace("blue"), "", ["blue/a", "blue/b"]),
        (OneNamespace("none"), "", []),
        (SameLabels(("team",)), "red", ["red/a", "rose/a"]),
        (SameLabels(("team", "env")), "red", ["red/a"]),
        (SameLabels(("team",)), "green", []),
        (SameLabels(()), "red", []),
        (NotSameLabels(("team",)), "red", ["blue/a", "blue/b"]),
        (NotSameLabels(("team", "env")), "red", ["blue/a", "blue/b", "rose/a"]),
        (NotSameLabels(("team",)), "green", []),
        (NotSameLabels(()), "red", []),
    ],
)
def test_namespaces(namespaces: NamespaceSelection, subject: str, found: list[str]) -> None:
    assert chosen(namespaces, subject, LabelSelector()) == found
    assert chosen(namespaces, subject, APP_DB) == [name for name in found if name == "blue/b"]


def test_addresses_are_of_one_family_in_order() -> None:
    everything = RESOLVER.everything()
    assert [low & 0xFF for low, _ in RESOLVER.addresses(everything, Family.IPV4)] == [1, 2, 3, 4]
    assert [low & 0xFF for low, _ in RESOLVER.addresses(everything, Family.IPV6)] == [2, 5]
    assert RESOLVER.addresses(Selection(0, 0), Family.IPV4) == ()


def test_nodes() -> None:
    edge = LabelSelector((Requirement("role", Operator.EXISTS),))
    assert len(RESOLVER.node_addresses(LabelSelector(), Family.IPV4)) == 2
    assert [low & 0xFF for low, _ in RESOLVER.node_addresses(edge, Family.IPV4)] == [1]
    assert len(RESOLVER.node_addresses(edge, Family.IPV6)) == 1
    assert RESOLVER.node_names() == ("n1", "n2", "n3")
    assert (RESOLVER.local("n1"), RESOLVER.local("none")) == ([0, 1, 4], ())


def test_port_names_are_split_by_meaning() -> None:
    everything = RESOLVER.everything()
    found = RESOLVER.with_port(everything, "http", None)
    assert [(item[0], item[1], bin(item[2].mask)) for item in found] == [
        (Protocol.TCP, 80, "0b101"),
        (Protocol.SCTP, 80, "0b1000"),
    ]
    assert len(RESOLVER.with_port(everything, "http", Protocol.SCTP)) == 1
    assert RESOLVER.with_port(everything, "none", None) == ()
    blue = RESOLVER.select(PodsPeer(OneNamespace("green"), LabelSelector()))
    [(_, _, selection)] = RESOLVER.with_port(blue, "http", None)
    assert [low & 0xFF for low, _ in RESOLVER.addresses(selection, Family.IPV4)] == [3]


def test_networks() -> None:
    prefixes = [parse_prefix(text)[0] for text in ("10.0.0.0/9", "10.128.0.0/9", "fd00::/8")]
    peer = NetworksPeer(tuple(prefixes), (parse_prefix("10.0.0.2/31")[0],))
    assert network_intervals(peer, Family.IPV4) == (
        (0x0A000000, 0x0A000001),
        (0x0A000004, 0x0AFFFFFF),
    )
    [(low, high)] = network_intervals(peer, Family.IPV6)
    assert (low >> 120, high >> 120) == (0xFD, 0xFD)
    assert [
        low & 0xFF for low, _ in RESOLVER.addresses_within(RESOLVER.everything(), peer, Family.IPV4)
    ] == [1, 4]
