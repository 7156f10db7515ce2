"""What connections meet in emitted iptables rulesets, and how large these are."""

from __future__ import annotations

from cnpc.backends.iptables.decompile import programs_of
from cnpc.backends.iptables.render import Iptables
from cnpc.backends.iptables.ruleset import read_iptables
from cnpc.backends.stats.connection_cost import Cost, Walker
from cnpc.backends.stats.iptables_size import iptables_size
from cnpc.backends.stats.peer_masks import Peers
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.net import Family

POD, OTHER, FRIEND, STRANGER = 0x0A000001, 0x0A000002, 0x0A000064, 0x0A0000C8

SOURCE = """program "n"

set friends ipv4 address "pods" {
  10.0.0.100
}

set services ipv4 address . protocol . port {
  10.0.0.100 . tcp . 90
}

map ingress4 ipv4 address {
  10.0.0.1 : jump pod
}

chain forward hook forward {
  state established accept
  lookup daddr in ingress4
}

chain pod {
"""


def source(*rules: str) -> str:
    return "\n".join([SOURCE.rstrip(), *rules, "}", ""])


def cost(*rules: str, address: int = POD, peers: tuple[int, ...] = (FRIEND, STRANGER)) -> Cost:
    texts = Iptables().build(parse_program(source(*rules)), ("Network policy",)).texts
    program = programs_of(read_iptables(texts), lambda _: ())[Family.IPV4]
    walker = Walker(program, {Family.IPV4: Peers(peers)}, lists_are_sets=False)
    return walker.cost(Family.IPV4, address, source=False)


def test_a_drop_ends_it() -> None:
    # the states, the pod's address, the drop
    assert cost("  drop") == Cost(3, 3.0, 0, 0.0)


def test_an_address_without_rules_gets_past_the_tree() -> None:
    assert cost("  drop", address=OTHER) == Cost(2, 2.0, 0, 0.0)


def test_peers_part_at_a_set() -> None:
    assert cost("  saddr @friends return", "  drop") == Cost(4, 3.5, 1, 1.0)


def test_ports_listed_in_a_rule_are_no_look_up() -> None:
    found = cost("  tcp 80,443 saddr @friends return", "  drop", peers=(FRIEND,))
    # of tcp 80, 443 and another, and a ping, two get to the set, and return there
    assert found == Cost(4, 3.5, 1, 0.5)


def test_a_service_is_one_look_up() -> None:
    found = cost("  saddr . protocol . dport @services return", "  drop", peers=(FRIEND,))
    assert found.worst_lookups == 1
    assert found.worst_rules == 4


def test_the_size_is_that_of_both_families() -> None:
    ruleset = Iptables().build(parse_program(source("  saddr @friends return", "  drop")), ("x",))
    found = iptables_size(programs_of(read_iptables(ruleset.texts), lambda _: ()).values(), 1)
    made = ruleset.size
    assert (found.chains, found.rules, found.sets) == (made.chains, made.rules, made.sets)
    assert (found.elements, found.maps, found.anonymous) == (made.elements, 0, 0)
    assert found.kernel_bytes > 0
