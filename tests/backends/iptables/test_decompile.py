"""The texts for iptables mean the program that they were made of, packet by packet."""

from __future__ import annotations

import pytest
from cnpc.backends.iptables.decompile import judge_of
from cnpc.backends.iptables.passes import PASSES_WITHOUT_MAPS
from cnpc.backends.iptables.render import Iptables
from cnpc.backends.iptables.ruleset import read_iptables
from cnpc.compiler.errors import InputError, NodeError
from cnpc.compiler.ir.interpreter import Interpreter
from cnpc.compiler.ir.match import Hook
from cnpc.compiler.options import DenyWith, Options, OwnNode
from cnpc.compiler.pipeline import Pipeline
from programs import packets
from programs import seeded as random_program
from rulesets import trio
from semantics.evaluation import read, to_packet
from worlds import flows, seeded


def nothing(_name: str) -> tuple[str, ...]:
    return ()


@pytest.mark.parametrize("level", sorted(PASSES_WITHOUT_MAPS))
@pytest.mark.parametrize("seed", range(15))
def test_the_texts_mean_the_program_of_a_node(seed: int, level: int) -> None:
    world = seeded(seed)
    inputs = read(world.objects(), unknown=False)
    options = Options(
        DenyWith.REJECT if seed % 2 else DenyWith.DROP,
        OwnNode.ENFORCE if seed % 3 else OwnNode.EXEMPT,
    )
    pipeline = Pipeline(
        inputs.snapshot, inputs.policies, options, level, PASSES_WITHOUT_MAPS
    )  # fmt: skip
    for node in pipeline.resolver.node_names():
        program = pipeline.program(node)
        layout = read_iptables(Iptables().build(program, ("x",)).texts)
        judge, evaluator = judge_of(layout, nothing), Interpreter(program)
        for flow in flows(world):
            packet = to_packet(flow)
            for hook in Hook:
                assert judge(packet, hook) == evaluator.judge(packet, hook).accepted


def test_the_texts_mean_whatever_the_programs_say() -> None:
    judged = 0
    for seed in range(60):
        program = random_program(seed)
        try:
            texts = Iptables().build(program, ("x",)).texts
        except InputError:
            continue
        judge, evaluator = judge_of(read_iptables(texts), nothing), Interpreter(program)
        for packet in packets(seed, 50):
            for hook in Hook:
                assert judge(packet, hook) == evaluator.judge(packet, hook).accepted
                judged += 1
    assert judged > 1000


def test_a_rule_that_means_something_else_is_named() -> None:
    made = trio(list(seeded(1).objects()))
    text = made.texts["v4"].replace(" -j RETURN", " -m mark --mark 1 -j RETURN", 1)
    layout = read_iptables({**made.texts, "v4": text})
    with pytest.raises(NodeError, match="--mark 1"):
        judge_of(layout, nothing)
