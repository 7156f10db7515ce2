"""The Program of a node: tiers, Pass, isolation, families, and what endpoints share."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from cnpc.compiler.ir.interpreter import Interpreter, Packet
from cnpc.compiler.ir.match import Hook
from cnpc.compiler.ir.program import Goto, Jump, Program, Terminal
from cnpc.compiler.manifests.load import OnUnknown, load
from cnpc.compiler.net import Family, Protocol, parse_address
from cnpc.compiler.options import LEVELS, DenyWith, Options, OwnNode
from cnpc.compiler.pipeline import Pipeline, checked
from lowered import (
    NAMESPACES,
    WEB,
    body,
    chain_of,
    cnp,
    inputs,
    led_to,
    lower,
    namespace,
    node,
    np,
    pod,
)

NODES = (node("n1", "172.18.0.1"), node("n2", "172.18.0.2"))
RED, BLUE = namespace("red", "team: a"), namespace("blue", "team: b")
A = pod("red/a", "10.0.0.1")
B = pod("red/b", "10.0.0.2 fd00::2", labels="app: db")
CLUSTER = (*NODES, RED, BLUE, A, B)
ACCEPT, DENY, PASS = (f"action: {action}" for action in ("Accept", "Deny", "Pass"))
FROM, TO = f"from: [{{{NAMESPACES}}}]", f"to: [{{{NAMESPACES}}}]"
HASH = re.compile(r"_[0-9a-f]{12}$")


def accepted(
    program: Program, source: str, destination: str, port: int = 80, hook: Hook = Hook.FORWARD
) -> bool:
    family, saddr = parse_address(source)
    packet = Packet(family, saddr, parse_address(destination)[1], Protocol.TCP, port)
    return Interpreter(program).judge(packet, hook).accepted


def test_without_policies_there_is_only_the_frame() -> None:
    program = lower(*CLUSTER)
    assert [chain.name for chain in program.chains] == ["forward", "input", "unusual"]
    assert program.maps == ()
    assert body(program, "forward") == [
        "state established accept",
        "state invalid,related,untracked jump unusual",
    ]
    assert [len(item.elements) for item in program.sets] == [2, 1]


def test_each_tier_leads_to_the_next() -> None:
    program = lower(
        *CLUSTER,
        cnp("adm", ingress=[f"{ACCEPT}, {FROM}", f"{DENY}, {FROM}", f"{PASS}, {FROM}"]),
        np("red/iso", "Ingress"),
        cnp("base", "Baseline", ingress=[f"{DENY}, {FROM}", f"{ACCEPT}, {FROM}"]),
    )
    everyone = f"saddr @{_pods(program, 4)}"
    assert body(program, "admin_ingress4") == [
        f"{everyone} return",
        f"{everyone} drop",
        f"{everyone} goto ingress4_np",
        "goto ingress4_np",
    ]
    assert body(program, "ingress4_np") == [
        "lookup daddr in ingress4_np",
        "goto ingress4_baseline",
    ]
    assert body(program, "np_ingress4") == ["goto isolated_ingress4"]
    assert body(program, "isolated_ingress4") == ["lookup saddr . daddr in self_ingress4", "drop"]
    assert body(program, "ingress4_baseline") == ["lookup daddr in ingress4_baseline"]
    assert body(program, "baseline_ingress4") == [f"{everyone} drop", f"{everyone} return"]
    forward = body(program, "forward")
    assert forward[2:] == ["lookup daddr in ingress4", "lookup daddr in ingress6"]
    kinds = {name: type(_verdict(program, name)) for name in ("ingress4", "ingress4_np")}
    assert kinds == {"ingress4": Jump, "ingress4_np": Goto}


def _pods(program: Program, family: int) -> str:
    [name] = [item.name for item in program.sets if item.name.startswith(f"pods{family}_")]
    return name


def _verdict(program: Program, table: str) -> object:
    return program.maps_by_name()[table].elements[0][1]


def test_pass_in_the_baseline_allows_and_egress_goes_on_to_ingress() -> None:
    program = lower(
        *CLUSTER,
        cnp("out", "Baseline", egress=[f"{PASS}, {TO}", f"{DENY}, {TO}"]),
        cnp("in", ingress=[f"{DENY}, {FROM}"], subject=WEB),
    )
    assert body(program, "baseline_egress4")[0].endswith(" return")
    assert accepted(program, "10.0.0.1", "10.0.0.2")
    assert not accepted(program, "10.0.0.2", "10.0.0.1")
    assert accepted(program, "10.0.0.2", "192.0.2.1")


@pytest.mark.parametrize(
    ("types", "chains"),
    [
        ("Ingress", {"np_ingress4"}),
        ("Egress", {"np_egress4"}),
        ("Ingress, Egress", {"np_ingress4", "np_egress4"}),
    ],
)
def test_isolation_is_of_one_direction(types: str, chains: set[str]) -> None:
    program = lower(NODES[0], RED, A, np("red/iso", types))
    named = {HASH.sub("", chain.name) for chain in program.chains if HASH.search(chain.name)}
    assert named == chains
    [rule] = chain_of(program, next(iter(chains))).rules
    assert [(origin.policy, origin.rule) for origin in rule.origins] == [("red/iso", None)]


def test_an_egress_policy_does_not_shield_ingress_from_the_baseline() -> None:
    base = cnp("base", "Baseline", ingress=[f"{DENY}, {FROM}"])
    program = lower(*CLUSTER, base, np("red/out", "Egress", "  egress: [{}]"))
    assert not accepted(program, "10.0.0.2", "10.0.0.1")


def test_the_ingress_rules_of_a_policy_of_both_types_do_not_open_egress() -> None:
    both = np("red/both", "Ingress, Egress", "  ingress: [{}]", "{matchLabels: {app: web}}")
    program = lower(*CLUSTER, both)
    assert accepted(program, "10.0.0.2", "10.0.0.1")
    assert not accepted(program, "10.0.0.1", "10.0.0.2")


def test_families_are_apart() -> None:
    rule = 'action: Accept, to: [{networks: ["2001:db8::/32"]}]'
    program = lower(
        *CLUSTER, cnp(egress=[rule, "action: Deny, to: [{networks: [0.0.0.0/0, '::/0']}]"])
    )
    assert body(program, led_to(program, "egress4")[1]) == ["drop", "goto egress4_np"]
    first = body(program, led_to(program, "egress6")[2])[0]
    assert first == "daddr 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff return"
    assert list(led_to(program, "egress4")) == [1, 2]
    assert list(led_to(program, "egress6")) == [2]


def test_a_pods_traffic_to_its_own_node() -> None:
    policies = (np("red/iso", "Egress"), cnp(egress=[f"{DENY}, to: [{{nodes: {{}}}}]"]))
    exempt = lower(*CLUSTER, *policies)
    assert "lookup saddr in own4" in body(exempt, "input")
    assert body(exempt, "own4_baseline") == []
    own = chain_of(exempt, led_to(exempt, "own4")[1])
    assert own.rules[-1].verdict == Goto("own4_baseline")
    enforce = lower(*CLUSTER, *policies, options=Options(own_node=OwnNode.ENFORCE))
    assert "lookup saddr in egress4" in body(enforce, "input")
    assert not [chain.name for chain in enforce.chains if chain.name.startswith("own")]


def test_an_isolated_pods_traffic_to_its_own_node_does_not_come_to_the_baseline() -> None:
    base = cnp("base", "Baseline", egress=[f"{DENY}, to: [{{nodes: {{}}}}]"])
    isolation = np("red/iso", "Egress", selector="{matchLabels: {app: web}}")
    program = lower(*CLUSTER, base, isolation)
    assert list(led_to(program, "own4")) == [2]
    assert list(led_to(program, "egress4")) == [1, 2]


def test_what_a_pod_sends_to_itself_is_judged_by_the_admin_rules_about_it() -> None:
    db = "from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: db}}}}]"
    port = "protocols: [{tcp: {destinationPort: {number: 80}}}]"
    rules = [f"{DENY}, {db}", f"{PASS}, {FROM}, {port}", f"{DENY}, {FROM}", f"{ACCEPT}, {FROM}"]
    isolation = np("red/iso", "Ingress, Egress")
    admin = cnp(ingress=rules[1:], egress=[f"{DENY}, to: [{{networks: [10.0.0.2/31]}}]"])
    program = lower(*CLUSTER, isolation, admin, cnp("q", priority=0, ingress=rules[:1]))
    maps = program.maps_by_name()
    first, second = (((number, number),) * 2 for number in (0x0A000001, 0x0A000002))
    own = dict(maps["self_ingress4"].elements)
    judging = [chain_of(program, _target(own[key])) for key in (first, second)]
    assert [body(program, chain.name) for chain in judging] == [["tcp 80 return", "drop"], ["drop"]]
    assert all(rule.origins for chain in judging for rule in chain.rules)
    [(allowed, one), (denied, other)] = maps["self_egress4"].elements
    assert (allowed, one, denied) == (first, Terminal.RETURN, second)
    assert body(program, _target(other)) == ["drop"]
    assert maps.keys() >= {"self_ingress6", "self_egress6"}


def _target(verdict: object) -> str:
    assert isinstance(verdict, Goto)
    return verdict.chain


def test_without_network_policies_nothing_is_asked_of_what_pods_send_to_themselves() -> None:
    program = lower(*CLUSTER, cnp(ingress=[f"{DENY}, {FROM}"]))
    names = [*program.maps_by_name(), *program.chains_by_name()]
    assert not [name for name in names if name.startswith(("self", "isolated"))]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("deny_with", DenyWith)
def test_the_traffic_of_an_address_that_two_pods_claim_is_denied(
    level: int, deny_with: DenyWith
) -> None:
    """And who accepts or denies peers by their labels selects neither."""
    rule = "egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]"
    documents = (
        *CLUSTER,
        pod("red/c", "10.0.0.2", node="n2"),
        np("red/out", "Egress", f"  {rule}"),
    )
    stdin = BytesIO("\n---\n".join(documents).encode())
    found = load(["-"], stdin=stdin, on_unknown=OnUnknown.FAIL_CLOSED)
    pipeline = Pipeline(found.snapshot, found.policies, Options(deny_with=deny_with), level)
    for node_name in ("n1", "n2"):
        program = pipeline.program(node_name, checked)
        assert not accepted(program, "10.0.0.2", "192.0.2.1")
        assert not accepted(program, "192.0.2.1", "10.0.0.2")
        assert not accepted(program, "10.0.0.2", "172.18.0.1", hook=Hook.INPUT)
        assert accepted(program, "fd00::2", "fd00::2")
    assert not accepted(pipeline.program("n1"), "10.0.0.1", "10.0.0.2")


def test_deny_with_an_answer() -> None:
    policies = (np("red/iso", "Ingress"), cnp(ingress=[f"{DENY}, {FROM}"]))
    program = lower(*CLUSTER, *policies, options=Options(deny_with=DenyWith.REJECT))
    assert body(program, "deny") == ["tcp any reject-reset", "reject-prohibited"]
    assert body(program, "np_ingress4") == ["goto isolated_ingress4"]
    assert body(program, "isolated_ingress4")[1:] == body(program, "deny")
    assert body(program, "admin_ingress4")[0].endswith(" goto deny")
    assert "deny" not in {chain.name for chain in lower(*CLUSTER, *policies).chains}


def test_domain_names_are_dynamic_sets() -> None:
    program = lower(*CLUSTER, cnp(egress=["action: Accept, to: [{domainNames: [b.io, '*.a.io']}]"]))
    dynamic = [item for item in program.sets if item.dynamic]
    assert {item.family for item in dynamic} == set(Family)
    assert {(item.note, item.elements) for item in dynamic} == {("domain names *.a.io b.io", ())}


def test_rules_stand_by_priority_name_and_position() -> None:
    program = lower(
        *CLUSTER,
        cnp("b", priority=1, ingress=[f"{ACCEPT}, {FROM}", f"{PASS}, {FROM}"]),
        cnp("c", priority=0, ingress=[f"{PASS}, {FROM}"]),
        cnp("a", priority=1, ingress=[f"{DENY}, {FROM}"]),
    )
    rules = chain_of(program, "admin_ingress4").rules[:-1]
    found = [(rule.origins[0].policy, rule.origins[0].rule) for rule in rules]
    assert found == [("c", 0), ("a", 0), ("b", 0), ("b", 1)]


POLICIES = (
    cnp("adm", ingress=[f"{DENY}, from: [{{{WEB}}}]"]),
    np("red/iso", "Ingress", "  ingress: [{from: [{podSelector: {}}]}]"),
    cnp("base", "Baseline", egress=[f"{DENY}, {TO}"]),
)


def many(number: int) -> tuple[str, ...]:
    return tuple(
        pod(f"red/p{index:03}", f"10.0.1.{index} fd00::1:{index:x}", node="n1")
        for index in range(1, number + 1)
    )


def test_equal_pods_share_chains() -> None:
    small = lower(*CLUSTER[:-2], *many(2), *POLICIES)
    large = lower(*CLUSTER[:-2], *many(60), *POLICIES)
    assert small.chains == large.chains
    assert [item.name for item in small.sets] == [item.name for item in large.sets]
    assert [len(item.elements) for item in large.maps] == [60] * len(large.maps)
    assert len(set(led_to(large, "ingress4").values())) == 1


def test_a_pod_that_comes_changes_elements_and_no_rule() -> None:
    before = lower(*CLUSTER, *POLICIES)
    after = lower(*CLUSTER, pod("red/new", "10.0.0.9 fd00::9", node="n2"), *POLICIES)
    assert before.chains == after.chains
    assert before.maps == after.maps
    assert [item.name for item in before.sets] == [item.name for item in after.sets]
    assert before.sets != after.sets


def test_a_chains_name_follows_from_its_rules() -> None:
    one = lower(*CLUSTER, cnp("p", ingress=[f"{DENY}, {FROM}"]))
    same = lower(*CLUSTER, cnp("p", priority=9, ingress=[f"{DENY}, {FROM}"]))
    other = lower(*CLUSTER, cnp("p", ingress=[f"{ACCEPT}, {FROM}"]))
    names = [chain_of(program, "admin_ingress4").name for program in (one, same, other)]
    assert names[0] == names[1] != names[2]


def test_a_node_without_pods_and_a_pod_of_another_node() -> None:
    program = lower(*CLUSTER, *POLICIES, at="n2")
    assert program.maps == ()
    assert [len(item.elements) for item in program.sets] == [0, 0]


def test_same_labels_follow_the_subject() -> None:
    peer = "from: [{namespaces: {sameLabels: [team]}}]"
    program = lower(
        *CLUSTER,
        pod("blue/c", "10.0.0.3"),
        cnp(ingress=[f"{ACCEPT}, {peer}", f"{DENY}, {FROM}"]),
    )
    chains = led_to(program, "ingress4")
    assert chains[1] == chains[2] != chains[3]
    assert {item.note for item in program.sets} >= {"pods in same team=a", "pods in same team=b"}
    assert accepted(program, "10.0.0.2", "10.0.0.1")
    assert not accepted(program, "10.0.0.3", "10.0.0.1")


def test_lowering_is_the_same_every_time() -> None:
    found = inputs(*CLUSTER, *POLICIES)
    assert found == inputs(*CLUSTER, *POLICIES)
    assert lower(*CLUSTER, *POLICIES) == lower(*POLICIES, *reversed(CLUSTER))
