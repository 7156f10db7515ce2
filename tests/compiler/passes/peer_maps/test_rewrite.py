"""Dispatch where it would not pay: worlds are small, so it is made to, and to run out of maps."""

from __future__ import annotations

import pytest
from cnpc.compiler.ir.match import Key
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.ir.program import Verdict
from cnpc.compiler.ir.reachability import reachable
from cnpc.compiler.passes import cost_model
from cnpc.compiler.passes.peer_maps import build_maps
from cnpc.compiler.passes.peer_maps.rewrite import dispatch
from end_to_end.test_semantics import OPTIONS, first_difference, report
from worlds import LARGE, SMALL, flows, seeded
from worlds.strategies import SEEDS, profile_name


@pytest.fixture(params=["rules", "maps"])
def networks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_model, "_DISPATCH", -1)
    if request.param == "maps":
        monkeypatch.setattr(cost_model, "_INTERVALS", -10_000)


@pytest.mark.usefixtures("networks")
@pytest.mark.parametrize(
    ("maps", "large_set", "shortest"), [(0, 4096, 5), (3, 4, 1), (110, 4096, 1), (110, 3, 5)]
)
@pytest.mark.parametrize("seed", range(SEEDS[profile_name()] // 20))
def test_worlds(
    seed: int, maps: int, large_set: int, shortest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_maps, "MOST_CLASS_MAPS", maps)
    monkeypatch.setattr(build_maps, "SHORTEST_SET", shortest)
    monkeypatch.setattr(cost_model, "_LARGE_SET", large_set)
    world = seeded(seed, LARGE if seed % 50 == 0 else SMALL)
    problem = first_difference(world, OPTIONS[seed % len(OPTIONS)], flows(world))
    assert problem is None, report(world, problem)


def peers_of(*, pods: str, members: int) -> dict[Key, Verdict]:
    """Return the map of peers, with rules on three large sets and two small ones."""

    def a_set(name: str, start: int, count: int) -> str:
        keys = "".join(f"  10.0.{start}.{n}\n" for n in range(count))
        return f"set {name} ipv4 address {{\n{keys}}}\n\n"

    def a_chain(name: str, ports: int) -> str:
        rules = "".join(f"  saddr @{item} tcp {ports + n} return\n" for n, item in enumerate("abc"))
        return f"chain {name} {{\n{rules}  saddr @few_{name} tcp 7 return\n  drop\n}}\n\n"

    sets = "".join(a_set(name, n, members) for n, name in enumerate("abc"))
    text = (
        'program "n"\n\n'
        + sets
        + a_set("few_x", 0, 3)
        + a_set("few_y", 2, 5)
        + f"map m ipv4 address {{\n{pods}}}\n\n"
        + "chain forward hook forward {\n  lookup daddr in m\n}\n\n"
        + a_chain("x", 80)
        + a_chain("y", 90)
    ).removesuffix("\n")
    program = dispatch(reachable(parse_program(text, "test")))
    return dict(program.maps_by_name()["m_peers"].elements)


@pytest.mark.usefixtures("networks")
def test_only_peers_that_a_new_pod_tells_apart_go_elsewhere() -> None:
    one = peers_of(pods="  192.0.2.1 : jump x\n", members=50)
    two = peers_of(pods="  192.0.2.1 : jump x\n  192.0.2.2 : jump y\n", members=50)
    assert one.keys() == two.keys()
    assert sum(one[peer] != two[peer] for peer in one) == 5


@pytest.mark.usefixtures("networks")
def test_a_peer_more_moves_no_others() -> None:
    pods = "  192.0.2.1 : jump x\n  192.0.2.2 : jump y\n"
    few, many = peers_of(pods=pods, members=50), peers_of(pods=pods, members=51)
    assert len(many) == len(few) + 3
    assert few.items() <= many.items()
