"""Warnings about policies of equal precedence: which, where, and when there is none."""

from __future__ import annotations

import pytest
from cnpc.compiler.errors import Diagnostic, Severity
from cnpc.compiler.lowering.equal_priority import conflicts
from cnpc.compiler.model.resolver import Resolver
from lowered import NAMESPACES, WEB, cnp, inputs, namespace, node, pod

CLUSTER = (
    node("n1", "172.18.0.1"),
    namespace("red", "team: a"),
    pod("red/a", "10.0.0.1", ports="http=tcp/80"),
    pod("red/b", "10.0.0.2", labels="app: db", ports="http=tcp/8080"),
)
ALL = f"from: [{{{NAMESPACES}}}]"
WEBS = f"from: [{{{WEB}}}]"
DBS = f"from: [{{{WEB.replace('web', 'db')}}}]"


def accept(rest: str = ALL) -> str:
    return f"name: open, action: Accept, {rest}"


def deny(rest: str = ALL) -> str:
    return f"action: Deny, {rest}"


def port(number: int, protocol: str = "tcp") -> str:
    return f"{ALL}, protocols: [{{{protocol}: {{destinationPort: {{number: {number}}}}}}}]"


def found(*policies: str) -> tuple[Diagnostic, ...]:
    read = inputs(*CLUSTER, *policies)
    return conflicts(Resolver(read.snapshot), read.policies)


def test_a_warning_names_both_rules_and_points_at_the_one_that_loses() -> None:
    first = cnp("a", ingress=[deny(WEBS), accept()])
    [warning] = found(first, cnp("b", ingress=[deny()]))
    assert warning.severity is Severity.WARNING
    assert warning.message == (
        "ClusterNetworkPolicy 'a' ingress rule 1 'open' (Accept) and"
        " ClusterNetworkPolicy 'b' ingress rule 0 (Deny) disagree about some packets,"
        " at equal priority 1 in tier Admin"
    )
    assert warning.hint == "'a' goes first, by its name; give the policies different priorities"
    assert warning.span is not None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (accept(), deny()),
        (f"action: Pass, {ALL}", deny()),
        (f"action: Pass, {ALL}", accept()),
        (accept(WEBS), deny()),
        (accept(port(80)), deny()),
        (accept(f"{ALL}, protocols: [{{destinationNamedPort: http}}]"), deny(port(8080))),
    ],
)
def test_who_disagrees_is_told_once(left: str, right: str) -> None:
    assert len(found(cnp("a", ingress=[left, left]), cnp("b", ingress=[right, right]))) == 1


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([accept()], [accept()]),
        ([deny()], [deny()]),
        ([accept(WEBS)], [deny(DBS)]),
        ([accept(port(80))], [deny(port(81))]),
        ([accept(port(80))], [deny(port(80, "udp"))]),
        ([deny(), accept()], [deny()]),
        ([deny(), accept(port(80))], [deny()]),
        ([deny(WEBS), accept()], [deny(WEBS)]),
        ([accept(f"{ALL}, protocols: [{{destinationNamedPort: none}}]")], [deny()]),
        ([accept("from: [{namespaces: {matchLabels: {team: none}}}]")], [deny()]),
        ([], [deny()]),
    ],
)
def test_no_warning_where_no_packet_tells(left: list[str], right: list[str]) -> None:
    assert found(cnp("a", ingress=left), cnp("b", ingress=right)) == ()


def test_no_warning_across_priorities_tiers_directions_and_subjects() -> None:
    one = cnp("a", ingress=[accept()])
    assert found(one, cnp("b", priority=2, ingress=[deny()])) == ()
    assert found(one, cnp("b", "Baseline", ingress=[deny()])) == ()
    assert found(one, cnp("b", egress=[deny(f"to: [{{{NAMESPACES}}}]")])) == ()
    webs = cnp("a", ingress=[accept()], subject=WEB)
    assert found(webs, cnp("b", ingress=[deny()], subject=WEB.replace("web", "db"))) == ()
    assert len(found(webs, cnp("b", ingress=[deny()]))) == 1


def test_every_pair_and_direction_is_told() -> None:
    to_all = f"to: [{{{NAMESPACES}}}]"
    pair = found(
        cnp("a", ingress=[accept()], egress=[deny(to_all)]),
        cnp("b", ingress=[deny()], egress=[accept(to_all)]),
    )
    assert [("ingress" in item.message, "egress" in item.message) for item in pair] == [
        (True, False),
        (False, True),
    ]
    three = found(cnp("a", ingress=[accept()]), *(cnp(n, ingress=[deny()]) for n in "bc"))
    assert len(three) == 2


def test_pass_and_accept_come_to_the_same_in_the_last_tier() -> None:
    passing = cnp("a", tier="Baseline", ingress=[f"action: Pass, {ALL}"])
    assert not found(passing, cnp("b", tier="Baseline", ingress=[accept()]))
