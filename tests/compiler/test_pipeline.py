"""The straight line: its stages, what watches it, and what nodes share."""

from __future__ import annotations

import pytest
from cnpc.compiler.ir.program import Chain, Jump, Program, Rule
from cnpc.compiler.passes import PASSES
from cnpc.compiler.pipeline import Pipeline, checked, stages
from lowered import NAMESPACES, cnp, inputs, namespace, node, np, pod

INPUTS = inputs(
    node("n1"),
    node("n2"),
    namespace("red"),
    pod("red/a", "10.0.0.1"),
    pod("red/b", "10.0.0.2", node="n2"),
    pod("red/c", "10.0.0.3", node="n2", labels="app: db"),
    cnp("all", ingress=[f"action: Deny, from: [{{{NAMESPACES}}}]"]),
    np("red/db", "Ingress", selector="{matchLabels: {app: db}}"),
)


@pytest.mark.parametrize("level", PASSES)
def test_the_watch_is_told_of_each_stage(level: int) -> None:
    told: list[tuple[str, Program]] = []
    pipeline = Pipeline(INPUTS.snapshot, INPUTS.policies, level=level)
    program = pipeline.program("n1", lambda stage, made: told.append((stage, made)))
    assert tuple(stage for stage, _ in told) == stages(level)
    assert stages(level) == ("lower", *(run.__name__ for run in PASSES[level]))
    assert told[-1][1] is program


def test_nodes_share_what_they_are_lowered_to() -> None:
    pipeline = Pipeline(INPUTS.snapshot, INPUTS.policies, level=0)
    first, second = (pipeline.program(name) for name in ("n1", "n2"))
    shared = first.chains_by_name().keys() & second.chains_by_name().keys()
    named = [name for name in shared if name.startswith("admin_ingress4_")]
    assert len(named) == 1
    for name in named:
        assert first.chains_by_name()[name] is second.chains_by_name()[name]
    pods = next(name for name in first.sets_by_name() if name.startswith("pods4_"))
    assert first.sets_by_name()[pods] is second.sets_by_name()[pods]


def test_policies_in_force() -> None:
    pipeline = Pipeline(INPUTS.snapshot, INPUTS.policies)
    names = {node: [item.name for item in pipeline.in_force(node)] for node in ("n1", "n2", "x")}
    assert names == {"n1": ["all"], "n2": ["all", "red/db"], "x": []}


def test_an_invalid_program_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="chain a, rule 0: no chain b"):
        checked("any", Program("n", (), (), (Chain("a", (Rule((), Jump("b")),)),)))
