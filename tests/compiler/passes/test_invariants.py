"""What holds of every pass over any Program, and that nothing of the IR is left without a test."""

from __future__ import annotations

from typing import get_args

import pytest
from cnpc.backends.iptables.passes import PASSES_WITHOUT_MAPS
from cnpc.backends.nftables.render import Nftables
from cnpc.compiler.ir.interpreter import Interpreter
from cnpc.compiler.ir.match import Field, Hook, KeyType, Match, State
from cnpc.compiler.ir.printer import print_program
from cnpc.compiler.ir.program import Goto, Jump, Lookup, Map, Program, Rule, Set, Terminal
from cnpc.compiler.ir.program import Verdict as AnyVerdict
from cnpc.compiler.ir.verifier import verify
from cnpc.compiler.net import Family, Protocol
from cnpc.compiler.passes import PASSES, Pass, cost_model
from cnpc.compiler.passes.port_maps import by_port
from cnpc.compiler.pipeline import Pipeline
from forced import make_ports_pay
from hypothesis import given, settings
from msgspec.structs import replace
from programs import packets, programs, seeded
from semantics.evaluation import read
from worlds import seeded as seeded_world

ALL = {
    run.__name__: run
    for passes in (PASSES, PASSES_WITHOUT_MAPS)
    for level in passes.values()
    for run in level
}
SEEDS = range(250)
LEAST = {
    "by_port": 1,  # to most chains of random programs packets of both families come
    "compact": 0,  # random sets have few addresses: see test_passes.py
    "dispatch": 0,  # it follows pods from look-ups in base chains, as compiled worlds have them
    "merge": len(SEEDS) / 5,
    "split_ports": 0,  # it splits longer chains than random ones: see test_trees.py
}
"""How many of the random Programs a pass has to change, where it is less than half."""

every_pass = pytest.mark.parametrize("run", ALL.values(), ids=ALL)


def doubled(program: Program) -> Program:
    """Return the program with a copy of each chain that is no base chain, so that some are equal.

    The copies take over from the last base chain, after whose rules they are gone to.
    """
    plain = [chain for chain in program.chains if chain.hook is None]
    *rest, base = program.chains
    copies = [replace(chain, name=f"{chain.name}x") for chain in plain]
    base = replace(base, rules=(*base.rules, *(Rule((), Jump(copy.name)) for copy in copies)))
    chains = sorted((*rest, *copies, base), key=lambda chain: chain.name)
    return replace(program, chains=tuple(chains))


def world_programs(seed: int) -> list[Program]:
    """Return what a random world is lowered to, node by node."""
    inputs = read(seeded_world(seed).documents, unknown=False)
    pipeline = Pipeline(inputs.snapshot, inputs.policies, level=0)
    return [pipeline.program(node) for node in pipeline.resolver.node_names()]


@pytest.fixture(autouse=True)
def _dispatch_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_model, "_DISPATCH", -1)


@pytest.fixture(autouse=True)
def _maps_of_ports_pay(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if (
        getattr(request.node, "callspec", None)
        and request.node.callspec.params.get("run") is by_port
    ):
        make_ports_pay(monkeypatch)


@every_pass
def test_valid_before_is_valid_after_and_no_packet_sees_a_difference(run: Pass) -> None:
    changed = 0
    for seed in SEEDS:
        before = doubled(seeded(seed))
        assert verify(before) == ()
        changed += hold_laws(run, before, seed)
    assert changed >= LEAST.get(run.__name__, len(SEEDS) / 2)


@every_pass
@given(program=programs())
@settings(max_examples=15, deadline=None, derandomize=True, database=None)
def test_laws_hold_for_drawn_programs(run: Pass, program: Program) -> None:
    hold_laws(run, program, 0)


@every_pass
@pytest.mark.parametrize("seed", range(20))
def test_laws_hold_for_compiled_worlds(run: Pass, seed: int) -> None:
    for program in world_programs(seed):
        hold_laws(run, program, seed)


def hold_laws(run: Pass, before: Program, seed: int) -> bool:
    """Check every law; return whether the pass changed the program."""
    after = run(before)
    assert verify(after) == (), print_program(before)
    assert run(after) is after, print_program(before)
    keep_what_is_equal(before, after)
    old, new = Interpreter(before), Interpreter(after)
    for packet in packets(seed, 40):
        for hook in Hook:
            expected = old.judge(packet, hook).verdict
            assert new.judge(packet, hook).verdict is expected, (packet, print_program(before))
    return after is not before


def keep_what_is_equal(before: Program, after: Program) -> None:
    """Fail if a chain, map or set is equal to that of its name before and yet another object."""
    for old, new in (
        (before.chains_by_name(), after.chains_by_name()),
        (before.maps_by_name(), after.maps_by_name()),
        (before.sets_by_name(), after.sets_by_name()),
    ):
        for name, item in new.items():
            assert item is old.get(name) or item != old.get(name)


def kinds_of(program: Program) -> set[object]:
    """Return every kind of thing that occurs in the program."""
    rules = [rule for chain in program.chains for rule in chain.rules]
    verdicts = [rule.verdict for rule in rules]
    verdicts += [verdict for item in program.maps for _, verdict in item.elements]
    found: set[object] = {chain.hook for chain in program.chains if chain.hook}
    tables: tuple[Set | Map, ...] = (*program.sets, *program.maps)
    found |= {kind for item in tables for kind in item.key}
    found |= {item.family for item in tables}
    for verdict in verdicts:
        found.add(verdict if isinstance(verdict, Terminal) else type(verdict))
    for rule in rules:
        for match in rule.matches:
            found |= {type(match), *_parts(match)}
    return found


def _parts(match: Match) -> set[object]:
    parts: set[object] = set()
    for name in match.__struct_fields__:
        value = getattr(match, name)
        values = value if isinstance(value, tuple) else (value,)
        parts |= {item for item in values if isinstance(item, Field | Protocol | State | Family)}
    return parts


def test_random_programs_hold_every_kind_of_thing() -> None:
    """Printer, reader, verifier, evaluator, passes and backend all meet these programs."""
    found = set().union(*(kinds_of(seeded(seed)) for seed in SEEDS))
    wanted: set[object] = {*get_args(Match), *get_args(AnyVerdict), Lookup} - {Terminal}
    wanted |= {*Terminal, *KeyType, *Hook, *Field, *Protocol, *State, *Family}
    assert wanted - found == set()
    assert {Jump, Goto} < found


def test_the_backend_takes_every_program() -> None:
    for seed in SEEDS[:80]:
        program = seeded(seed)
        backend = Nftables()
        first = backend.build(program, ())
        assert backend.build(program, ()) == first == Nftables().build(program, ())
        assert first.size.chains == len(program.chains)
        assert first.size.rules == sum(len(chain.rules) for chain in program.chains)
