"""What the compiler makes of policies is what they mean: oracle == Program, after every pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cnpc.compiler.errors import InputError
from hypothesis import given
from oracle import Flow, Oracle
from semantics import Case, load_cases
from semantics.evaluation import Compilation, Difference, read
from worlds import LARGE, SMALL, Profile, World, flows, seeded, shrink
from worlds.strategies import SEEDS, profile_name, register_profiles, worlds

register_profiles()

CHUNK = 100
OWN_NODE = ("exempt", "enforce")


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    oracle = Oracle(case.documents, own_node=case.own_node)
    inputs = read(case.documents, unknown=case.unknown)
    compilation = Compilation(inputs, case.own_node)
    wrong = [
        str(item) for probe in case.probes for item in compilation.differences(oracle, probe.flow)
    ]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("first", range(0, SEEDS[profile_name()], CHUNK))
def test_seeded_worlds(first: int) -> None:
    for seed in range(first, first + CHUNK):
        own_node = OWN_NODE[seed % 2]
        hold(seeded(seed, replace(SMALL, unknown=seed % 4 == 0)), own_node)


@pytest.mark.parametrize("seed", range(max(1, SEEDS[profile_name()] // 500)))
def test_large_worlds(seed: int) -> None:
    hold(seeded(seed, LARGE), "exempt")


@given(world=worlds())
def test_worlds(world: World) -> None:
    problem = first_difference(world, "exempt", flows(world))
    assert problem is None, report(world, problem)


@given(world=worlds(Profile(unknown=True)))
def test_worlds_with_unknown_fields(world: World) -> None:
    problem = first_difference(world, "enforce", flows(world))
    assert problem is None, report(world, problem)


def hold(world: World, own_node: str) -> None:
    """Fail with a world made small and one flow, if the compiler judges any flow wrongly."""
    problem = first_difference(world, own_node, flows(world))
    if problem is None:
        return
    flow = problem.flow

    def still_fails(smaller: World) -> bool:
        try:
            return first_difference(smaller, own_node, [flow]) is not None
        except (InputError, LookupError, TypeError, ValueError):  # left out too much
            return False

    small = shrink(world, still_fails)
    pytest.fail(report(small, first_difference(small, own_node, [flow])), pytrace=False)


def first_difference(world: World, own_node: str, flows: list[Flow]) -> Difference | None:
    """Return the first flow that any stage of any level judges unlike the oracle."""
    oracle = Oracle(world.documents, own_node=own_node)
    inputs = read(world.documents, unknown=world.profile.unknown)
    compilation = Compilation(inputs, own_node)
    found = (item for flow in flows for item in compilation.differences(oracle, flow))
    return next(found, None)


def report(world: World, difference: Difference | None) -> str:
    """Return the world as YAML, the flow, and the oracle's reasons."""
    return f"{world.to_yaml()}\n{difference}"
