"""Each problem that a Program can have, and none in those that have none."""

from __future__ import annotations

import subprocess
from itertools import pairwise

import pytest
from cnpc.backends.nftables.render import Nftables
from cnpc.compiler.ir.match import (
    AddressMatch,
    Field,
    Hook,
    Icmp6TypeMatch,
    Key,
    KeyType,
    Match,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    StateMatch,
)
from cnpc.compiler.ir.program import (
    Chain,
    Goto,
    Jump,
    Lookup,
    Map,
    Program,
    Rule,
    Set,
    Terminal,
    Verdict,
)
from cnpc.compiler.ir.verifier import MAX_DEPTH, verify
from cnpc.compiler.net import ANY_PORT, Family, Protocol
from programs import seeded

ADDRESS = (KeyType.ADDRESS,)
TWO = (KeyType.ADDRESS, KeyType.PORT)


def a_set(*keys: Key, name: str = "s", kinds: tuple[KeyType, ...] = ADDRESS) -> Program:
    return Program("", (Set(name, Family.IPV4, kinds, keys),), (), ())


def a_map(*elements: tuple[Key, Verdict]) -> Program:
    groups = tuple((verdict, (key,)) for key, verdict in elements)
    table = Map("m", Family.IPV4, ADDRESS, groups)
    return Program("", (), (table,), (Chain("a", ()), Chain("f", (), Hook.FORWARD)))


def a_rule(*matches: Match, verdict: Verdict | Lookup = Terminal.DROP) -> Program:
    sets = (Set("s", Family.IPV4, ADDRESS, ()),)
    maps = (Map("m", Family.IPV4, ADDRESS, ()),)
    chains = (Chain("a", (Rule(matches, verdict),)), Chain("b", (), Hook.INPUT))
    return Program("", sets, maps, chains)


def tcp(*ports: tuple[int, int]) -> Match:
    return PortMatch(Protocol.TCP, ports)


def address(*intervals: tuple[int, int], field: Field = Field.SADDR) -> Match:
    return AddressMatch(field, Family.IPV4, intervals)


UDP = PortMatch(Protocol.UDP, ANY_PORT)
ND = Icmp6TypeMatch(((133, 137),))
IN_SET = SetMatch((Field.SADDR,), "s")
EMPTY = "chain a, rule 0: an empty list matches nothing"


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        (
            Program("", (), (), (Chain("b", ()), Chain("a", ()))),
            "names are not unique and in order",
        ),
        (
            Program("", (), (), (Chain("a", ()), Chain("a", ()))),
            "names are not unique and in order",
        ),
        (
            Program(
                "",
                (Set("x", Family.IPV4, ADDRESS, ()),),
                (Map("x", Family.IPV6, ADDRESS, ()),),
                (),
            ),
            "x is both a set and a map",
        ),
        (
            Program("", (), (), (Chain("a", (), Hook.INPUT), Chain("b", (), Hook.INPUT))),
            "2 chains at the hook input",
        ),
        (a_set(((1, 1), (2, 2))), "s: a key of 2 parts where 1 are due"),
        (a_set(()), "s: a key of 0 parts where 1 are due"),
        (a_set(((2, 1),)), "s: 2-1 is out of range"),
        (a_set(((-1, 1),)), "s: -1-1 is out of range"),
        (a_set(((0, 2**32),)), "s: 0-4294967296 is out of range"),
        (a_set(((0, 65536),), kinds=(KeyType.PORT,)), "s: 0-65536 is out of range"),
        (a_set(((256, 256),), kinds=(KeyType.PROTOCOL,)), "s: 256-256 is out of range"),
        (a_set(((2, 2),), ((1, 1),)), "s: keys are out of order"),
        (a_set(((1, 1),), ((1, 1),)), "s: keys are out of order"),
        (a_set(((1, 3),), ((3, 4),)), "s: keys overlap"),
        (a_set(((1, 3), (5, 5)), ((2, 2), (1, 9)), kinds=TWO), "s: keys overlap"),
        (
            # Neither neighbour overlaps; the first and the last do.
            a_set(((0, 9), (5, 5)), ((1, 1), (6, 6)), ((2, 2), (5, 5)), kinds=TWO),
            "s: keys overlap",
        ),
        (
            a_map((((1, 1),), Terminal.ACCEPT), (((1, 1),), Terminal.DROP)),
            "m: keys are out of order",
        ),
        (
            a_map((((1, 1),), Terminal.DROP), (((2, 2),), Terminal.ACCEPT)),
            "m: keys are out of order",
        ),
        (a_map((((1, 1),), Terminal.REJECT_RESET)), "m: a map cannot reject"),
        (a_map((((1, 1),), Terminal.REJECT_PROHIBITED)), "m: a map cannot reject"),
        (a_rule(verdict=Terminal.REJECT_RESET), "chain a, rule 0: only TCP can be reset"),
        (
            a_rule(PortMatch(Protocol.UDP, ANY_PORT), verdict=Terminal.REJECT_RESET),
            "chain a, rule 0: only TCP can be reset",
        ),
        (a_rule(verdict=Lookup((Field.SADDR,), "x")), "chain a, rule 0: no map x"),
        (
            a_rule(verdict=Lookup((Field.DPORT,), "m")),
            "chain a, rule 0: the fields do not fit the key of m",
        ),
        (a_rule(verdict=Jump("x")), "chain a, rule 0: no chain x"),
        (a_rule(verdict=Goto("b")), "chain a, rule 0: goes to the base chain b"),
        (a_rule(SetMatch((Field.SADDR,), "x")), "chain a, rule 0: no set x"),
        (
            a_rule(SetMatch((Field.SADDR, Field.DADDR), "s")),
            "chain a, rule 0: the fields do not fit the key of s",
        ),
        (
            a_rule(address((1, 1), field=Field.DPORT)),
            "chain a, rule 0: dport is not an address",
        ),
        (a_rule(address()), EMPTY),
        (a_rule(address((1, 2), (3, 4))), "chain a, rule 0: intervals are not in normal form"),
        (a_rule(address((5, 5), (3, 3))), "chain a, rule 0: intervals are not in normal form"),
        (a_rule(address((0, 2**32))), "chain a, rule 0: intervals are out of range"),
        (a_rule(tcp()), EMPTY),
        (a_rule(tcp((80, 65536))), "chain a, rule 0: intervals are out of range"),
        (a_rule(tcp((-1, 5))), "chain a, rule 0: intervals are out of range"),
        (a_rule(PortMatch(Protocol.ICMP, ((8, 8),))), "chain a, rule 0: ICMP has no ports"),
        (a_rule(ProtocolMatch(())), EMPTY),
        (a_rule(tcp((1, 1)), UDP), "chain a, rule 0: no packet has two protocols"),
        (a_rule(ND, UDP), "chain a, rule 0: no packet has two protocols"),
        (
            a_rule(ProtocolMatch((Protocol.ICMP, Protocol.TCP)), UDP),
            "chain a, rule 0: no packet has two protocols",
        ),
        (a_rule(ND, address((1, 1))), "chain a, rule 0: no packet is of two families"),
        (a_rule(ND, IN_SET), "chain a, rule 0: no packet is of two families"),
        (
            a_rule(ND, verdict=Lookup((Field.SADDR,), "m")),
            "chain a, rule 0: no packet is of two families",
        ),
        (a_rule(StateMatch(())), EMPTY),
        (a_rule(Icmp6TypeMatch(())), EMPTY),
        (a_rule(Icmp6TypeMatch(((1, 256),))), "chain a, rule 0: intervals are out of range"),
        (a_rule(verdict=Jump("a")), "chains lead back to themselves: a, a"),
    ],
)
def test_every_problem_is_reported_alone(program: Program, problem: str) -> None:
    [found] = verify(program)
    assert found.startswith(problem)


def test_all_problems_are_reported() -> None:
    program = Program(
        "",
        (),
        (),
        (Chain("b", (Rule((tcp(),), Jump("x")), Rule((), Goto("y")))), Chain("a", ())),
    )
    assert [text.rpartition(": ")[2] for text in verify(program)] == [
        "b, a",
        "an empty list matches nothing",
        "no chain x",
        "no chain y",
    ]


def test_a_loop_through_a_map_is_found_even_where_no_hook_leads() -> None:
    key = ((1, 1),)
    program = Program(
        "",
        (),
        (Map("m", Family.IPV4, ADDRESS, ((Goto("a"), (key,)),)),),
        (Chain("a", (Rule((), Jump("b")),)), Chain("b", (Rule((), Lookup((Field.SADDR,), "m")),))),
    )
    [found] = verify(program)
    assert found.startswith("chains lead back to themselves: ")


def line_of_chains(depth: int, kind: type[Jump | Goto]) -> Program:
    """Return a base chain that leads so many chains deep."""
    names = [f"c{number:04}" for number in range(depth)]
    chains = [Chain(name, (Rule((), kind(behind)),)) for name, behind in pairwise(names)]
    chains.append(Chain(names[-1], (Rule((), Terminal.DROP),)))
    chains.append(Chain("forward", (Rule((), kind(names[0])),), Hook.FORWARD))
    return Program("", (), (), tuple(chains))


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 5000])
def test_chains_must_not_lead_too_deep(depth: int) -> None:
    [found] = verify(line_of_chains(depth, Jump))
    assert found == f"chain forward leads {depth} chains deep, 15 are allowed"


@pytest.mark.requires_root_and_nft
@pytest.mark.parametrize("kind", [Jump, Goto])
def test_the_kernel_draws_the_line_where_the_verifier_does(kind: type[Jump | Goto]) -> None:
    for depth, accepted in ((MAX_DEPTH, True), (MAX_DEPTH + 1, False)):
        program = line_of_chains(depth, kind)
        text = Nftables().build(program, ()).texts["nft"]
        done = subprocess.run(
            ("unshare", "-n", "nft", "-f", "-"),
            input=text,
            text=True,
            capture_output=True,
            check=False,
        )
        assert (done.returncode == 0) is accepted is (not verify(program)), done.stderr
        assert accepted or "Too many links" in done.stderr


def test_random_programs_are_valid() -> None:
    assert [found for seed in range(500) for found in verify(seeded(seed))] == []


def test_a_big_set_is_verified_in_no_time() -> None:
    keys = tuple(((number, number), (80, 90)) for number in range(50_000))
    assert verify(a_set(*keys, kinds=TWO)) == ()
