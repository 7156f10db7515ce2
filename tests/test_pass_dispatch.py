"""Dispatch where it would not pay: worlds are small, so it is made to, and to run out of maps."""

from __future__ import annotations

import pytest
from cnpc.compiler import costs, layout
from test_semantics import OPTIONS, first_difference, report
from worlds import LARGE, SMALL, flows, seeded
from worlds.strategies import SEEDS, profile_name


@pytest.fixture(params=["rules", "maps"])
def networks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "_DISPATCH", -1)
    if request.param == "maps":
        monkeypatch.setattr(costs, "_INTERVALS", -10_000)


@pytest.mark.usefixtures("networks")
@pytest.mark.parametrize(("maps", "crowd"), [(0, 4096), (3, 4), (110, 4096), (110, 3)])
@pytest.mark.parametrize("seed", range(SEEDS[profile_name()] // 20))
def test_worlds(seed: int, maps: int, crowd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MOST_CLASS_MAPS", maps)
    monkeypatch.setattr(costs, "_CROWD", crowd)
    world = seeded(seed, LARGE if seed % 50 == 0 else SMALL)
    problem = first_difference(world, OPTIONS[seed % len(OPTIONS)], flows(world))
    assert problem is None, report(world, problem)
