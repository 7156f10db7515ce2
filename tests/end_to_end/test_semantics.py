"""What the compiler makes of policies is what they mean: oracle == Program, after every pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cnpc.compiler.errors import InputError
from cnpc.compiler.options import DenyWith, Options, OwnNode
from hypothesis import given
from oracle import Flow, Oracle
from semantics import Case, load_cases
from semantics.evaluation import Compilation, Difference, read
from worlds import LARGE, SMALL, Profile, World, flows, seeded, shrink
from worlds.strategies import SEEDS, profile_name, register_profiles, worlds

register_profiles()

CHUNK = 100
DEFAULTS = Options()
OPTIONS = (
    DEFAULTS,
    Options(own_node=OwnNode.ENFORCE),
    Options(deny_with=DenyWith.REJECT),
)


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    options = Options(own_node=OwnNode(case.own_node))
    oracle = Oracle(case.documents, own_node=case.own_node, fail_closed=case.unknown)
    compilation = Compilation(read(case.documents, unknown=case.unknown), options)
    wrong = [
        str(item) for probe in case.probes for item in compilation.differences(oracle, probe.flow)
    ]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("first", range(0, SEEDS[profile_name()], CHUNK))
def test_seeded_worlds(first: int) -> None:
    for seed in range(first, first + CHUNK):
        world = seeded(seed, replace(SMALL, unknown=seed % 4 == 0))
        hold(world, OPTIONS[seed % len(OPTIONS)])


@pytest.mark.parametrize("seed", range(max(1, SEEDS[profile_name()] // 500)))
def test_large_worlds(seed: int) -> None:
    hold(seeded(seed, LARGE), DEFAULTS)


@given(world=worlds())
def test_worlds(world: World) -> None:
    problem = first_difference(world, DEFAULTS, flows(world))
    assert problem is None, report(world, problem)


@given(world=worlds(Profile(unknown=True)))
def test_worlds_with_unknown_fields(world: World) -> None:
    problem = first_difference(world, OPTIONS[1], flows(world))
    assert problem is None, report(world, problem)


def hold(world: World, options: Options) -> None:
    """Fail with a world made small and one flow, if the compiler judges any flow wrongly."""
    problem = first_difference(world, options, flows(world))
    if problem is None:
        return
    flow = problem.flow

    def still_fails(smaller: World) -> bool:
        try:
            return first_difference(smaller, options, [flow]) is not None
        except (InputError, LookupError, TypeError, ValueError):  # left out too much
            return False

    small = shrink(world, still_fails)
    pytest.fail(report(small, first_difference(small, options, [flow])), pytrace=False)


def first_difference(world: World, options: Options, flows: list[Flow]) -> Difference | None:
    """Return the first flow that any stage of any level judges unlike the oracle."""
    oracle = Oracle(world.documents, options.own_node.value, options.deny_with.value)
    compilation = Compilation(read(world.documents, unknown=world.profile.unknown), options)
    found = (item for flow in flows for item in compilation.differences(oracle, flow))
    return next(found, None)


def report(world: World, difference: Difference | None) -> str:
    """Return the world as YAML, the flow, and the oracle's reasons."""
    return f"{world.to_yaml()}\n{difference}"
