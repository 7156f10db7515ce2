"""One policy rule and the IR rules it becomes: peers, ports and the sets that hold them."""

from __future__ import annotations

import pytest
from cnpc.compiler.ir.match import KeyType
from cnpc.compiler.ir.program import Program, Set
from lowered import NAMESPACES, body, cnp, lower, namespace, node, np, pod

CLUSTER = (
    node("n1", "172.18.0.1", "fd00:1::1", labels="role: edge"),
    node("n2", "172.18.0.2"),
    namespace("red", "team: a"),
    namespace("blue"),
    pod("red/a", "10.0.0.1", ports="http=tcp/80 dns=udp/53"),
    pod("red/b", "10.0.0.2", ports="http=tcp/8080 dns=tcp/53", labels="app: db"),
    pod("blue/c", "10.0.0.3 fd00::3", ports="http=sctp/80", node="n2"),
)
TO_ALL = f"to: [{{{NAMESPACES}}}]"
RANGE = "{tcp: {destinationPort: {range: {start: 1, end: 9}}}}"


def number(protocol: str, port: int) -> str:
    return f"{{{protocol}: {{destinationPort: {{number: {port}}}}}}}"


def out(rule: str) -> list[str]:
    """Return what an egress rule of pod a becomes, sets by their elements."""
    program = lower(*CLUSTER, cnp("p", "Baseline", egress=[f"action: Deny, {rule}"]))
    return [_show(program, line) for line in body(program, "baseline_egress4")]


def into(rule: str, address: int) -> list[str]:
    """Return what an ingress rule becomes for the pod with that address."""
    program = lower(*CLUSTER, cnp("p", "Baseline", ingress=[f"action: Deny, {rule}"]))
    for key, verdict in program.maps_by_name()["ingress4"].elements:
        if key[0][0] & 0xFF == address:
            name = verdict.chain  # type: ignore[union-attr]  # entry maps only jump
            return [_show(program, line) for line in body(program, name)]
    return []


def _show(program: Program, line: str) -> str:
    for item in program.sets:
        line = line.replace(f"@{item.name}", _elements(item))
    return line


def _elements(item: Set) -> str:
    assert item.key == (KeyType.ADDRESS,)
    spans = (
        f"{low & 0xFF}" if low == high else f"{low:x}-{high:x}" for ((low, high),) in item.elements
    )
    return "{" + " ".join(spans) + "}"


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        (TO_ALL, ["daddr {1 2 3} drop"]),
        ("to: [{namespaces: {matchLabels: {team: a}}}]", ["daddr {1 2} drop"]),
        (
            "to: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: db}}}}]",
            ["daddr {2} drop"],
        ),
        ("to: [{namespaces: {matchLabels: {team: none}}}]", ["daddr {} drop"]),
        ("to: [{nodes: {}}]", ["daddr {1 2} drop"]),
        ("to: [{nodes: {matchLabels: {role: edge}}}]", ["daddr {1} drop"]),
        ("to: [{networks: [10.0.0.0/8]}]", ["daddr 10.0.0.0-10.255.255.255 drop"]),
        ("to: [{networks: [0.0.0.0/0]}]", ["drop"]),
        ("to: [{networks: [0.0.0.0/1, 128.0.0.0/1]}]", ["drop"]),
        ("to: [{networks: [10.0.0.0/8, 10.1.0.0/16]}]", ["daddr 10.0.0.0-10.255.255.255 drop"]),
        (
            "to: [{networks: [10.0.0.0/8, 12.0.0.0/8]}]",
            ["daddr {a000000-affffff c000000-cffffff} drop"],
        ),
        ("to: [{networks: ['::/0']}]", []),
        (
            f"to: [{{{NAMESPACES}}}, {{networks: [0.0.0.0/0]}}]",
            ["daddr {1 2 3} drop", "drop"],
        ),
        (f"{TO_ALL}, protocols: [{{tcp: {{destinationPort: {{number: 80}}}}}}]", ["T tcp 80 drop"]),
        (
            f"{TO_ALL}, protocols: [{RANGE}, {number('tcp', 10)}, {number('udp', 53)}]",
            ["T tcp 1-10 drop", "T udp 53 drop"],
        ),
        (
            f"{TO_ALL}, protocols: [{{destinationNamedPort: http}}]",
            ["daddr {1} tcp 80 drop", "daddr {2} tcp 8080 drop", "daddr {3} sctp 80 drop"],
        ),
        (f"{TO_ALL}, protocols: [{{destinationNamedPort: none}}]", []),
        (
            f"{TO_ALL}, protocols: [{{destinationNamedPort: dns}}, {number('udp', 53)}]",
            ["T udp 53 drop", "daddr {2} tcp 53 drop", "daddr {1} udp 53 drop"],
        ),
    ],
)
def test_egress_rules(rule: str, lines: list[str]) -> None:
    assert out(rule) == [line.replace("T", "daddr {1 2 3}") for line in lines]


FROM_ALL = f"from: [{{{NAMESPACES}}}]"


@pytest.mark.parametrize(
    ("port", "address", "lines"),
    [
        ("http", 1, ["saddr {1 2 3} tcp 80 drop"]),
        ("http", 2, ["saddr {1 2 3} tcp 8080 drop"]),
        ("dns", 1, ["saddr {1 2 3} udp 53 drop"]),
        ("none", 1, []),
    ],
)
def test_at_ingress_a_port_name_is_the_subjects(port: str, address: int, lines: list[str]) -> None:
    rule = f"{FROM_ALL}, protocols: [{{destinationNamedPort: {port}}}]"
    assert into(rule, address) == lines


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        ("{}", ["return"]),
        ("{ports: [{port: http}]}", ["daddr {1} tcp 80 return", "daddr {2} tcp 8080 return"]),
        ("{ports: [{port: http, protocol: SCTP}]}", ["daddr {3} sctp 80 return"]),
        ("{ports: [{protocol: UDP}]}", ["udp any return"]),
        ("{ports: [{port: 80, endPort: 90}, {port: 91}]}", ["tcp 80-91 return"]),
        (
            "{to: [{ipBlock: {cidr: 10.0.0.0/31}}], ports: [{port: http}]}",
            ["daddr {1} tcp 80 return"],
        ),
        (
            "{to: [{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.1/32]}}], ports: [{port: http}]}",
            ["daddr {2} tcp 8080 return"],
        ),
        ("{to: [{podSelector: {}}]}", ["daddr {1 2} return"]),
        ("{to: [{podSelector: {}, namespaceSelector: {}}]}", ["daddr {1 2 3} return"]),
        (
            "{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/9]}}]}",
            ["daddr 10.128.0.0-10.255.255.255 return"],
        ),
    ],
)
def test_network_policy_rules(rule: str, lines: list[str]) -> None:
    program = lower(*CLUSTER, np("red/p", "Egress", f"  egress: [{rule}]"))
    found = [_show(program, line) for line in body(program, "np_egress4")]
    # Sets of what a port name means are named after the port, and may be empty in a block.
    shown = [line for line in found if "{}" not in line]
    assert shown == [*lines, "goto isolated_egress4"]


def test_the_name_of_a_set_is_that_of_its_selector() -> None:
    peer = "to: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}}]"
    policy = cnp(egress=[f"action: Deny, {peer}"])
    few = lower(*CLUSTER, policy)
    more = lower(*CLUSTER, pod("blue/d", "10.0.0.9"), policy)
    names = [
        {item.name for item in program.sets if item.note == "pods app=web"}
        for program in (few, more)
    ]
    assert names[0] == names[1]
    assert len(names[0]) == 1


def test_equal_peers_of_many_policies_are_one_set() -> None:
    policies = [cnp(f"p{number}", egress=[f"action: Deny, {TO_ALL}"]) for number in range(5)]
    program = lower(*CLUSTER, *policies)
    assert len([item for item in program.sets if item.note == "pods"]) == 1
