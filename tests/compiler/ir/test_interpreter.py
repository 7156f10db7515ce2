"""What a Program does with a packet: each match, each verdict, and the way back from chains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import netcluster
import pytest
from cnpc.backends.base import Backend
from cnpc.backends.iptables.render import Iptables
from cnpc.backends.nftables.render import Nftables
from cnpc.compiler.errors import InputError
from cnpc.compiler.ir.interpreter import Interpreter, Packet
from cnpc.compiler.ir.match import Hook, State, StateMatch
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.ir.program import Program, Rule, Terminal
from cnpc.compiler.net import Family, Protocol, parse_address
from msgspec import structs
from netcluster import OUTSIDE, Cluster, Loader, Probe, Verdict
from programs import Shape, seeded
from programs.values import PORTS, addresses
from small_cluster import ADDRESS, A, B, C

V4 = Packet(Family.IPV4, 0x0A000001, 0x0A000002, Protocol.TCP, 80)
V6 = replace(V4, family=Family.IPV6)
ECHO = Packet(Family.IPV4, 1, 2, Protocol.ICMP)
ND = Packet(Family.IPV6, 1, 2, Protocol.ICMPV6, None, 135, State.UNTRACKED)
GRE = Packet(Family.IPV4, 1, 2, 47)

TABLES = """
set exact ipv4 address {
  10.0.0.1
}

set nets ipv4 address {
  10.0.0.0-10.0.0.1
}

set services ipv4 address . protocol . port {
  10.0.0.2 . tcp . 80-90
}

set six ipv6 protocol {
  tcp
}

map verdicts ipv4 address . address {
  10.0.0.1 . 10.0.0.2 : drop
}

"""


def program(chains: str) -> Program:
    return parse_program(f'program "n"\n{TABLES}{chains}')


def judge(rules: str, packet: Packet) -> Terminal:
    text = "".join(f"  {rule}\n" for rule in rules.split("\n"))
    read = program(f"chain forward hook forward {{\n{text}}}\n")
    return Interpreter(read).judge(packet, Hook.FORWARD).verdict


@pytest.mark.parametrize(
    ("test", "holds", "fails"),
    [
        ("saddr 10.0.0.1", V4, V6),
        ("daddr 10.0.0.1-10.0.0.2", V4, replace(V4, daddr=0x0A000003)),
        ("saddr 10.0.0.0-255.255.255.255", V4, replace(V4, saddr=0x09FFFFFF)),
        ("saddr ::-ffff::", V6, V4),
        ("saddr @exact", V4, replace(V4, saddr=0x0A000002)),
        ("saddr @exact", V4, V6),
        ("saddr @nets", replace(V4, saddr=0x0A000000), replace(V4, saddr=0x0A000002)),
        ("daddr . protocol . dport @services", V4, replace(V4, dport=91)),
        ("daddr . protocol . dport @services", V4, replace(V4, protocol=Protocol.UDP)),
        ("protocol @six", V6, V4),
        ("tcp 80,443", V4, replace(V4, dport=81)),
        ("tcp 0-79,81-65535", replace(V4, dport=65535), V4),
        ("tcp any", V4, replace(V4, protocol=Protocol.UDP)),
        ("tcp any", replace(V4, dport=None), GRE),
        ("udp 80", replace(V4, protocol=Protocol.UDP), V4),
        ("icmp any", ECHO, V4),
        ("protocol icmp,sctp", ECHO, GRE),
        ("state new,related", V4, replace(V4, state=State.INVALID)),
        ("state untracked", ND, V4),
        ("icmp6-type 133-135", ND, replace(ND, icmp6_type=136)),
        ("icmp6-type 0-255", ND, V6),
        ("icmp6-type 0-255", ND, replace(ND, family=Family.IPV4)),
        ("saddr 10.0.0.1 tcp 80", V4, replace(V4, dport=81)),
    ],
)
def test_matches(test: str, holds: Packet, fails: Packet) -> None:
    assert judge(f"{test} drop", holds) is Terminal.DROP
    assert judge(f"{test} drop", fails) is Terminal.ACCEPT


@pytest.mark.parametrize("verdict", list(Terminal))
def test_verdicts(verdict: Terminal) -> None:
    expected = Terminal.ACCEPT if verdict is Terminal.RETURN else verdict
    assert judge(f"{verdict.value}\ndrop", V4) is expected
    accepted = expected is Terminal.ACCEPT
    found = Interpreter(program(f"chain i hook input {{\n  {verdict.value}\n}}\n"))
    assert found.judge(V4, Hook.INPUT).accepted is accepted


def test_lookups_give_the_elements_verdict_or_go_on() -> None:
    rules = "lookup saddr . daddr in verdicts\nreject-prohibited"
    assert judge(rules, V4) is Terminal.DROP
    for other in (replace(V4, daddr=1), V6):
        assert judge(rules, other) is Terminal.REJECT_PROHIBITED


def test_without_a_chain_at_the_hook_everything_passes() -> None:
    judgement = Interpreter(program("chain i hook input {\n  drop\n}\n")).judge(V4, Hook.FORWARD)
    assert judgement.accepted
    assert judgement.met == ()


def test_the_rules_met_are_told_in_order() -> None:
    text = """chain a {
  udp any drop
  tcp any return
}

chain forward hook forward {
  state new jump a
  drop
}
"""
    judgement = Interpreter(program(text)).judge(V4, Hook.FORWARD)
    assert judgement.verdict is Terminal.DROP
    assert [(chain, rule.verdict) for chain, rule in judgement.met[1:]] == [
        ("a", Terminal.RETURN),
        ("forward", Terminal.DROP),
    ]


STACK = """
map jumps ipv4 address {
  %(b)s : jump a
}

map gotos ipv4 address {
  %(b)s : goto a
}

map returns ipv4 address {
  %(b)s : return
}

chain a {
  tcp 1 return
  tcp 2 goto c
  tcp 3 jump c
  tcp 4 drop
  tcp 5 goto e
  tcp 6 jump d
  tcp 80 drop
}

chain c {
  tcp 3 return
}

chain d {
  goto c
  drop
}

chain e {
}

chain f {
  jump a
  tcp 1,2,5 drop
}

chain forward hook forward {
  state established accept
  %(entry)s
  tcp 1,3,6 drop
}
"""
ENTRIES = (
    "jump a",
    "goto a",
    "jump f",
    "goto f",
    "lookup daddr in jumps",
    "lookup daddr in gotos",
    "lookup daddr in returns",
    "tcp 2 return",
)
STACK_PORTS = (1, 2, 3, 4, 5, 6, 7, 80)


def stack(entry: str) -> Program:
    return parse_program(f'program "n"\n{STACK % {"entry": entry, "b": ADDRESS[B][0]}}')


def dropped(entry: str) -> set[int]:
    evaluator = Interpreter(stack(entry))
    packet = Packet(*parse_address(ADDRESS[A][0]), parse_address(ADDRESS[B][0])[1], Protocol.TCP)
    return {
        port
        for port in STACK_PORTS
        if not evaluator.judge(replace(packet, dport=port), Hook.FORWARD).accepted
    }


@pytest.mark.parametrize(
    ("entry", "ports"),
    [
        ("jump a", {1, 3, 4, 6, 80}),
        ("goto a", {4, 80}),
        ("jump f", {1, 2, 3, 4, 5, 6, 80}),
        ("goto f", {1, 2, 4, 5, 80}),
        ("lookup daddr in jumps", {1, 3, 4, 6, 80}),
        ("lookup daddr in gotos", {4, 80}),
        ("lookup daddr in returns", set()),
        ("tcp 2 return", {1, 3, 6}),
    ],
)
def test_goto_comes_back_behind_the_last_jump(entry: str, ports: set[int]) -> None:
    assert dropped(entry) == ports


BACKENDS: dict[str, Callable[[], Backend]] = {"nftables": Nftables, "iptables": Iptables}


def load(cluster: Cluster, made: Program, loader: Loader) -> None:
    cluster.install("n1", BACKENDS[loader.backend]().build(made, ()).texts, loader)


@pytest.mark.requires_root_and_nft
@pytest.mark.parametrize("entry", ENTRIES)
def test_the_kernel_comes_back_where_the_evaluator_does(
    cluster: Cluster, entry: str, loader: Loader
) -> None:
    load(cluster, stack(entry), loader)
    results = cluster.probe([Probe(A, ADDRESS[B][0], netcluster.TCP, port) for port in STACK_PORTS])
    assert {result.probe.port for result in results if not result.accepted} == dropped(entry)


SHAPE = Shape((Hook.FORWARD,), addresses(*ADDRESS[A], *ADDRESS[B], *ADDRESS[C]))
ENDS = ((A, B), (B, A), (A, C), (C, A), (OUTSIDE, A))
SERVICES = [
    *((protocol, port) for protocol in (netcluster.TCP, netcluster.UDP) for port in PORTS[1:]),
    (netcluster.SCTP, 80),
    (47, 0),
]


def with_answers(made: Program) -> Program:
    """Return the program with answers accepted, so that a probe shows what its request met."""
    answer = Rule((StateMatch((State.ESTABLISHED,)),), Terminal.ACCEPT)
    *chains, base = made.chains
    return structs.replace(
        made, chains=(*chains, structs.replace(base, rules=(answer, *base.rules)))
    )


def probes() -> list[Probe]:
    return [
        Probe(source, ADDRESS[destination][family], protocol, port)
        for source, destination in ENDS
        for family in (0, 1)
        for protocol, port in (
            *SERVICES,
            (netcluster.ICMPV6 if family else netcluster.ICMP, 0),
        )
    ]


def expected(evaluator: Interpreter, probe: Probe) -> Verdict:
    family, destination = parse_address(probe.destination)
    source = ADDRESS[probe.source][0 if family is Family.IPV4 else 1]
    packet = Packet(
        family,
        parse_address(source)[1],
        destination,
        probe.protocol,
        probe.port if probe.protocol in netcluster.probes.PORT_PROTOCOLS else None,
        128 if probe.protocol == netcluster.ICMPV6 else -1,
    )
    verdict = evaluator.judge(packet, Hook.FORWARD).verdict
    rejects = (Terminal.REJECT_RESET, Terminal.REJECT_PROHIBITED)
    if verdict in rejects:
        return Verdict.REJECTED
    return Verdict.ACCEPTED if verdict is Terminal.ACCEPT else Verdict.DROPPED


@pytest.mark.requires_root_and_nft
def test_the_kernel_judges_random_programs_as_the_evaluator_does(
    cluster: Cluster, loader: Loader
) -> None:
    asked = probes()
    seen = set()
    for seed in range(25):
        made = with_answers(seeded(seed, SHAPE))
        cluster.clear()
        try:
            load(cluster, made, loader)
        except InputError:  # sets of protocols, for example, which iptables has no words for
            assert loader.backend == "iptables"
            continue
        cluster.flush_conntrack()
        evaluator = Interpreter(made)
        verdicts = [expected(evaluator, probe) for probe in asked]
        seen |= set(verdicts)
        netcluster.check(cluster.probe(asked), verdicts)
    assert seen == {Verdict.ACCEPTED, Verdict.DROPPED, Verdict.REJECTED}
