"""Dispatch where it would not pay: worlds are small, so it is made to, and to run out of maps."""

from __future__ import annotations

import pytest
from cnpc.compiler import costs, layout
from test_semantics import OPTIONS, first_difference, report
from worlds import LARGE, SMALL, flows, seeded
from worlds.strategies import SEEDS, profile_name


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "_DISPATCH", -1)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("maps", [0, 3, 110])
@pytest.mark.parametrize("seed", range(SEEDS[profile_name()] // 10))
def test_worlds(seed: int, maps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MOST_CLASS_MAPS", maps)
    world = seeded(seed, LARGE if seed % 50 == 0 else SMALL)
    problem = first_difference(world, OPTIONS[seed % len(OPTIONS)], flows(world))
    assert problem is None, report(world, problem)
