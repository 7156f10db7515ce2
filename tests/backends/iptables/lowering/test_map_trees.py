"""What the iptables backend makes of Programs before it writes them: no packet is judged anew."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from cnpc.backends.iptables.lowering.accept_as_return import accept_by_return
from cnpc.backends.iptables.lowering.map_trees import maps_as_trees
from cnpc.backends.iptables.lowering.one_family import of_family
from cnpc.backends.iptables.lowering.port_trees import split_ports
from cnpc.backends.text import unsupported
from cnpc.compiler.errors import InputError
from cnpc.compiler.ir.interpreter import Interpreter, Packet
from cnpc.compiler.ir.match import Field, Hook, KeyType
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.ir.program import (
    Chain,
    Goto,
    Jump,
    Lookup,
    Program,
    Rule,
    Terminal,
    Verdict,
    map_of,
)
from cnpc.compiler.ir.reachability import depth
from cnpc.compiler.net import Family, Protocol
from programs import packets, seeded

SEEDS = range(300)


def refuse(what: str, rule: Rule) -> InputError:
    return unsupported("trees", what, rule.origins)


def same(before: Program, after: Program, asked: list[Packet]) -> None:
    old, new = Interpreter(before), Interpreter(after)
    for packet in asked:
        for hook in Hook:
            expected = old.judge(packet, hook).verdict
            assert new.judge(packet, hook).verdict is expected, (packet, hook)


@pytest.mark.parametrize("family", Family)
def test_a_familys_part_judges_its_packets_alike(family: Family) -> None:
    for seed in SEEDS:
        program = seeded(seed)
        own = of_family(program, family)
        assert {item.family for item in own.sets} | {item.family for item in own.maps} <= {family}
        same(program, own, [p for p in packets(seed, 40) if p.family is family])


def test_accepting_is_returning() -> None:
    for seed in SEEDS:
        program = seeded(seed)
        returning = accept_by_return(program)
        verdicts = [rule.verdict for chain in returning.chains for rule in chain.rules]
        used = {verdict.map for verdict in verdicts if isinstance(verdict, Lookup)}
        maps = returning.maps_by_name()
        assert Terminal.ACCEPT not in verdicts
        assert all(v is not Terminal.ACCEPT for name in used for _, v in maps[name].elements)
        same(program, returning, packets(seed, 40))


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_trees_judge_as_maps_do(levels: int, family: Family) -> None:
    judged = 0
    for seed in SEEDS:
        program = of_family(seeded(seed), family)
        try:
            trees = maps_as_trees(program, levels, refuse)
        except InputError:  # a map over protocols alone has no words in iptables
            continue
        judged += 1
        assert trees.maps == ()
        same(program, trees, [p for p in packets(seed, 40) if p.family is family])
    assert judged > len(SEEDS) / 2


def dispatch(addresses: list[int], family: Family, verdicts: list[Verdict]) -> Program:
    """Return a program that looks the source up and drops whatever comes back."""
    elements = tuple(
        (((address, address),), verdicts[number % len(verdicts)])
        for number, address in enumerate(sorted(addresses))
    )
    chains = [
        Chain(f"c{number}", (Rule((), Terminal.DROP if number % 2 else Terminal.RETURN),))
        for number in range(4)
    ]
    base = Chain("forward", (Rule((), Lookup((Field.SADDR,), "m")),), Hook.FORWARD)
    table = map_of("m", family, (KeyType.ADDRESS,), elements)
    return Program("n", (), (table,), (*chains, base))


SHAPES = {
    "one": [5],
    "dense": list(range(0x0A000000, 0x0A000000 + 250)),
    "powers": [1 << bit for bit in range(32)],
    "random": Random(1).sample(range(1 << 32), 1000),  # noqa: S311 - reproducible
    "ends": [0, 0xFFFFFFFF],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("levels", [2, 3])
@pytest.mark.parametrize("kind", [Jump, Goto])
def test_every_key_is_found_and_no_other(shape: str, levels: int, kind: type[Jump | Goto]) -> None:
    addresses = SHAPES[shape]
    program = dispatch(addresses, Family.IPV4, [kind(f"c{number}") for number in range(4)])
    trees = maps_as_trees(program, levels, refuse)
    near = {address + offset for address in addresses for offset in (-1, 0, 1)}
    asked = [
        Packet(Family.IPV4, address, 1, Protocol.TCP, 80)
        for address in sorted(near)
        if 0 <= address <= Family.IPV4.max_address
    ]
    same(program, trees, asked)
    assert depth(trees) <= levels + 1


def test_a_tree_of_250_neighbours_tests_few() -> None:
    program = dispatch(SHAPES["dense"], Family.IPV4, [Jump(f"c{number}") for number in range(4)])
    trees = maps_as_trees(program, 3, refuse)
    assert max(len(chain.rules) for chain in trees.chains) <= 32
    assert depth(trees) == 2  # the tree below its root, and the chain that a key leads to


def test_large_maps_of_few_verdicts_become_sets() -> None:
    program = dispatch(list(range(0, 8000, 4)), Family.IPV6, [Jump("c1"), Goto("c3")])
    sets = maps_as_trees(program, 3, refuse)
    assert [len(item.elements) for item in sets.sets] == [1000, 1000]
    asked = [Packet(Family.IPV6, address, 1, Protocol.TCP, 80) for address in range(-1, 40)]
    same(program, sets, asked)


def ports_program(seed: int) -> Program:
    """Return a program with a chain of many rules on ports."""
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    lines = []
    for _ in range(random.randint(10, 60)):
        low = random.randrange(1, 400)
        high = low + random.choice((0, 0, 0, 1, 30))
        port = str(low) if low == high else f"{low}-{high}"
        words = [random.choice(("", "", f"saddr 0.0.0.{random.randrange(4)}"))]
        words.append(random.choice((f"tcp {port}", f"tcp {port}", f"udp {port}", "tcp any", "")))
        words.append(random.choice(("drop", "return", "goto d")))
        lines.append("  " + " ".join(filter(None, words)))
    body = "\n".join(lines)
    return parse_program(
        f'program "n"\n\nchain c {{\n{body}\n}}\n\nchain d {{\n  state invalid drop\n}}\n\n'
        "chain forward hook forward {\n  jump c\n  udp any drop\n}\n"
    )


def test_trees_of_ports_judge_as_the_chain_does() -> None:
    split = 0
    for seed in range(60):
        before = ports_program(seed)
        after = split_ports(before)
        assert split_ports(after) is after
        split += after is not before
        asked = [
            Packet(Family.IPV4, port % 5, 1, protocol, port)
            for port in (*range(432), 65535)
            for protocol in (Protocol.TCP, Protocol.UDP)
        ]
        asked += [Packet(Family.IPV4, 1, 1, number) for number in (1, 6, 17, 132)]
        same(before, after, asked)
    assert split > 5


def test_each_range_of_ports_ends_where_the_next_one_takes_over() -> None:
    rules = "\n".join(f"  tcp {port} return" for port in range(100, 400, 2))
    text = f'program "n"\n\nchain c {{\n{rules}\n  drop\n}}\n\n'
    program = parse_program(f"{text}chain forward hook forward {{\n  jump c\n}}\n")
    split = split_ports(program)
    top = split.chains_by_name()["c"].rules[:-1]
    ranges = [interval for rule in top for match in rule.matches for interval in match.ports]  # type: ignore[union-attr]  # they are all PortMatch
    *others, last = ranges
    assert {low for low, _ in others} == {0}
    assert all(left < right for (_, left), (_, right) in pairwise(ranges))
    assert last == (others[-1][1] + 1, 65535)
    assert max(len(chain.rules) for chain in split.chains) <= 9
    asked = (*range(98, 402), 0, 65535)
    same(program, split, [Packet(Family.IPV4, 1, 1, Protocol.TCP, port) for port in asked])


def test_a_hook_ends_in_the_rules_that_it_leads_on_to() -> None:
    program = parse_program(
        'program "n"\n\nchain c {\n  tcp 1 drop\n  tcp 2 goto d\n}\n\nchain d {\n  udp 1 drop\n'
        "  jump e\n}\n\nchain e {\n  udp 2 drop\n}\n\n"
        "chain forward hook forward {\n  jump d\n  jump c\n}\n"
    )
    trees = maps_as_trees(program, 3, refuse)
    chains = trees.chains_by_name()
    assert chains["forward"].rules == (Rule((), Jump("d")), *chains["c"].rules)
    assert chains["d"].rules[-1] == Rule((), Goto("e"))
    asked = [
        Packet(Family.IPV4, 1, 1, protocol, port)
        for protocol in (Protocol.TCP, Protocol.UDP)
        for port in (1, 2, 3)
    ]
    same(program, trees, asked)
    assert depth(trees) == 2
