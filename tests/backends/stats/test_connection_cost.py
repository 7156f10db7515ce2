"""What connections meet in a ruleset, against counts by hand and peers one at a time."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from random import Random

import pytest
from cnpc.backends.nftables.decompile import program_of
from cnpc.backends.nftables.render import Nftables
from cnpc.backends.nftables.ruleset import read_ruleset
from cnpc.backends.stats.connection_cost import Cost, Walker, join
from cnpc.backends.stats.flows import MOST_FLOWS, Flow, Flows
from cnpc.backends.stats.peer_masks import Peers, Tally
from cnpc.backends.stats.pod_classes import PodClasses
from cnpc.compiler.ir.match import Field
from cnpc.compiler.ir.program import Program
from cnpc.compiler.manifests.load import load
from cnpc.compiler.net import Family, Protocol
from cnpc.compiler.pipeline import Pipeline
from command import STORIES

POD, FRIEND, STRANGER = 0x0A000001, 0x0A000064, 0x0A0000C8

CHAINS = """\

table inet cnpc
delete table inet cnpc
table inet cnpc {{
\tset friends {{
\t\ttype ipv4_addr
\t\tsize 16
\t\telements = {{
\t\t\t10.0.0.100
\t\t}}
\t}}

\tmap ingress4 {{
\t\ttype ipv4_addr : verdict
\t\tsize 16
\t\telements = {{
\t\t\t10.0.0.1 : jump pod,
\t\t\t10.0.0.2 : jump pod
\t\t}}
\t}}

\tmap egress4 {{
\t\ttype ipv4_addr : verdict
\t\tsize 16
\t\telements = {{
\t\t\t10.0.0.100 : jump pod
\t\t}}
\t}}

\tmap ingress6 {{
\t\ttype ipv6_addr : verdict
\t\tsize 16
\t}}

\tchain next {{
\t\tip saddr 10.0.0.0/24 return
\t\tdrop
\t}}

\tchain pod {{
{rules}
\t}}

\tchain forward {{
\t\ttype filter hook forward priority -5; policy accept;
\t\tct state established accept
\t\tip saddr vmap @egress4
\t\tip6 daddr vmap @ingress6
\t\tip daddr vmap @ingress4
\t\tct state new accept
\t}}
}}
"""


def ruleset(*rules: str) -> Program:
    lines = "\n".join(f"\t\t{rule}" for rule in rules)
    return program_of(read_ruleset(CHAINS.format(rules=lines)))


def walk(program: Program, peers: Iterable[int]) -> Walker:
    return Walker(program, {Family.IPV4: Peers(peers)}, lists_are_sets=True)


def cost(*rules: str, peers: tuple[int, ...] = (FRIEND, STRANGER)) -> Cost:
    return walk(ruleset(*rules), peers).cost(Family.IPV4, POD, source=False)


def test_a_return_goes_on_behind_the_jump() -> None:
    # four rules to the pod's chain, one there, and the one behind the jump; two look-ups of ends
    assert cost("return") == Cost(6, 6.0, 2, 2.0)


def test_a_drop_ends_it() -> None:
    assert cost("drop") == Cost(5, 5.0, 2, 2.0)


def test_peers_part_at_a_set() -> None:
    # the friend returns at once, the stranger meets the drop instead of the rule behind the jump
    assert cost("ip saddr @friends return", "drop") == Cost(6, 6.0, 3, 3.0)
    assert cost("ip saddr @friends drop", "return") == Cost(7, 6.0, 3, 3.0)


def test_a_goto_comes_back_to_where_the_jump_came_from() -> None:
    assert cost("goto next") == Cost(7, 7.0, 2, 2.0)
    assert cost("ip saddr @friends goto next", "drop") == Cost(7, 6.5, 3, 3.0)


def test_a_look_up_that_is_not_reached_is_not_counted() -> None:
    both = cost("ip saddr @friends tcp dport { 80, 81 } drop", "drop", peers=(FRIEND,))
    # tcp 80, tcp 81, another port, and a ping, whose protocol fails before the ports
    assert (both.worst_lookups, both.mean_lookups) == (4, 3.75)


def test_the_peers_own_judgement_is_not_followed() -> None:
    assert cost("return", peers=(FRIEND,)) == cost("return", peers=(STRANGER,))


def test_costs_join_to_the_worst_and_the_mean() -> None:
    assert join([Cost(1, 1.0, 5, 4.0), Cost(3, 2.0, 2, 2.0)]) == Cost(3, 1.5, 5, 3.0)


def test_a_tally_counts_as_numbers_would() -> None:
    dice = Random(1)  # noqa: S311 - a test, not a secret
    tally, numbers = Tally(20), [0] * 20
    for _ in range(200):
        mask = dice.choice((dice.getrandbits(20), (1 << 20) - 1))
        tally.add(mask)
        numbers = [number + (mask >> index & 1) for index, number in enumerate(numbers)]
        assert tally.worst() == max(numbers)
        assert tally.mean() == pytest.approx(sum(numbers) / 20)


def test_flows_lie_on_both_sides_of_every_edge() -> None:
    program = ruleset("tcp dport { 80, 90-95 } return", "udp dport 1-65535 drop")
    assert set(Flows(program).of(["pod"])) == {
        *(Flow(Protocol.TCP, port) for port in (80, 90, 95, 96, 1)),
        *(Flow(Protocol.UDP, port) for port in (1, 65535)),
        Flow(Protocol.ICMP, None),
    }


def test_flows_that_are_too_many_are_thinned_out() -> None:
    ports = ", ".join(str(port) for port in range(2, 2000, 2))
    flows = Flows(ruleset(f"tcp dport {{ {ports} }} return")).of(["pod"])
    assert len(flows) == MOST_FLOWS
    assert Flow(Protocol.TCP, 1) in flows


def test_pods_known_in_the_same_places_are_alike() -> None:
    marks = PodClasses(ruleset("ip daddr 10.0.0.0/31 drop"), Family.IPV4, Field.DADDR)
    assert marks.of(POD) != marks.of(POD + 1)
    assert marks.of(POD + 5) == marks.of(POD + 6) == ()


@cache
def story(level: int) -> tuple[Program, tuple[int, ...], tuple[int, ...]]:
    """Return what a compiled node's text means, its own IPv4 addresses, and everyone's."""
    inputs = load([str(STORIES / "cluster.yaml"), str(STORIES / "5-baseline")])
    pipeline = Pipeline(inputs.snapshot, inputs.policies, level=level)
    everyone = [item.addresses[0][1] for item in inputs.snapshot.endpoints]
    own = tuple(everyone[position] for position in pipeline.resolver.local("worker-1"))
    text = Nftables().build(pipeline.program("worker-1"), ()).texts["nft"]
    return program_of(read_ruleset(text)), own, tuple(everyone)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("source", [True, False])
def test_all_peers_at_once_are_each_by_itself(level: int, *, source: bool) -> None:
    program, own, everyone = story(level)
    for address in own:
        together = walk(program, everyone)
        alone = [
            walk(program, [peer]).cost(Family.IPV4, address, source=source) for peer in everyone
        ]
        found, expected = together.cost(Family.IPV4, address, source=source), join(alone)
        assert found.worst_rules == expected.worst_rules
        assert found.worst_lookups == expected.worst_lookups
        assert found.mean_rules == pytest.approx(expected.mean_rules)
        assert found.mean_lookups == pytest.approx(expected.mean_lookups)
