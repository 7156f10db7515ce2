"""Steps of emitted iptables rulesets, and what connections meet in them."""

from __future__ import annotations

import pytest
from cnpc.backends.iptables import Iptables
from cnpc.backends.iptables_layout import read_iptables
from cnpc.backends.iptables_size import iptables_size
from cnpc.backends.iptables_steps import steps_of
from cnpc.backends.nft_text import Text
from cnpc.backends.nft_walk import Cost, Peers, Walker
from cnpc.compiler.net import Family
from cnpc.compiler.reader import read_program

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


def steps(*rules: str) -> Text:
    ruleset = Iptables().build(read_program(source(*rules)), ("Network policy",))
    return steps_of(read_iptables(ruleset.texts))[Family.IPV4]


def cost(*rules: str, address: int = POD, peers: tuple[int, ...] = (FRIEND, STRANGER)) -> Cost:
    walker = Walker(steps(*rules), {Family.IPV4: Peers(peers)})
    return walker.cost(Family.IPV4, address, source=False)


def test_a_drop_ends_it() -> None:
    # the states, the jump to the tree, the pod's address there, the drop
    assert cost("  drop") == Cost(4, 4.0, 0, 0.0)


def test_an_address_without_rules_gets_past_the_tree() -> None:
    assert cost("  drop", address=OTHER) == Cost(3, 3.0, 0, 0.0)


def test_peers_part_at_a_set() -> None:
    assert cost("  saddr @friends return", "  drop") == Cost(5, 4.5, 1, 1.0)


def test_ports_listed_in_a_rule_are_no_look_up() -> None:
    found = cost("  tcp 80,443 saddr @friends return", "  drop", peers=(FRIEND,))
    # of tcp 80, 443 and another, and a ping, two get to the set, and return there
    assert found == Cost(5, 4.5, 1, 0.5)


def test_a_service_is_one_look_up() -> None:
    found = cost("  saddr . protocol . dport @services return", "  drop", peers=(FRIEND,))
    assert found.worst_lookups == 1
    assert found.worst_rules == 5


@pytest.mark.parametrize(
    ("rule", "tests"),
    [
        ("  tcp any drop", 1),
        ("  tcp 80 drop", 2),
        ("  protocol icmp drop", 1),
        ("  saddr 10.0.0.0-10.0.0.255 daddr 10.0.1.1-10.0.1.3 tcp 80 drop", 4),
    ],
)
def test_a_match_is_so_many_tests(rule: str, tests: int) -> None:
    found = [item for chain in steps(rule).chains.values() for item in chain.rules]
    (dropping,) = (item for item in found if item.verdict == "drop")
    assert len(dropping.tests) == tests


def test_the_size_is_that_of_both_families() -> None:
    ruleset = Iptables().build(read_program(source("  saddr @friends return", "  drop")), ("x",))
    found = iptables_size(steps_of(read_iptables(ruleset.texts)).values())
    made = ruleset.size
    assert (found.chains, found.rules, found.sets) == (made.chains, made.rules, made.sets)
    assert (found.elements, found.maps, found.anonymous) == (made.elements, 0, 0)
    assert found.kernel_bytes > 0
