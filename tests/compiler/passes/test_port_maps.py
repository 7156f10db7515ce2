"""Maps of ports where they would not pay: worlds are small, so they are made to."""

from __future__ import annotations

import pytest
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.passes.cost_model import MOST_PORT_MAPS
from cnpc.compiler.passes.peer_maps.rewrite import dispatch
from cnpc.compiler.passes.port_maps import by_port
from end_to_end.test_semantics import OPTIONS, first_difference, report
from forced import make_ports_pay
from worlds import LARGE, SMALL, flows, seeded
from worlds.strategies import SEEDS, profile_name


@pytest.fixture
def _forced(monkeypatch: pytest.MonkeyPatch) -> None:
    make_ports_pay(monkeypatch)


@pytest.mark.usefixtures("_forced")
@pytest.mark.parametrize("seed", range(SEEDS[profile_name()] // 20))
def test_worlds(seed: int) -> None:
    world = seeded(seed, LARGE if seed % 50 == 0 else SMALL)
    problem = first_difference(world, OPTIONS[seed % len(OPTIONS)], flows(world))
    assert problem is None, report(world, problem)


def many(chains: int) -> str:
    """Return a program with so many chains of rules on single ports, each for a pod."""
    rules = "".join(
        f"  saddr @a tcp {port} return\n  saddr @b udp {port} drop\n" for port in range(5)
    )
    pods = "".join(f"  10.1.{n // 256}.{n % 256} : jump np{n:03}\n" for n in range(chains))
    text = "".join(f"\nchain np{n:03} {{\n  tcp {n} drop\n{rules}}}\n" for n in range(chains))
    return (
        'program "n"\n\n'
        "set a ipv4 address {\n  10.0.0.1\n  10.0.0.2\n}\n\n"
        "set b ipv4 address {\n  10.0.0.3\n  10.0.0.4\n}\n\n"
        f"map m ipv4 address {{\n{pods}}}\n\n"
        f"chain forward hook forward {{\n  lookup daddr in m\n}}\n{text}"
    )


def test_more_chains_than_there_may_be_maps_of_ports_leave_all_to_maps_of_peers() -> None:
    few = parse_program(many(MOST_PORT_MAPS), "few")
    assert dispatch(few) is few
    assert len(by_port(few).maps) == 1 + MOST_PORT_MAPS
    crowded = parse_program(many(MOST_PORT_MAPS + 1), "crowded")
    assert by_port(crowded) is crowded
    led = dispatch(crowded).maps_by_name()
    assert "m_peers" in led
    assert not [name for name in led if name.endswith("_ports")]


def test_maps_are_counted_for_all_directions_of_a_family() -> None:
    text = many(MOST_PORT_MAPS + 1)
    apart = MOST_PORT_MAPS // 2
    pods = text[text.index("map m ") : text.index("chain forward")].splitlines()[1:-2]
    first, second = "\n".join(pods[:apart]), "\n".join(pods[apart:])
    both = text.replace(
        "\n".join(pods) + "\n}\n", f"{first}\n}}\n\nmap o ipv4 address {{\n{second}\n}}\n"
    ).replace("lookup daddr in m", "lookup saddr in o\n  lookup daddr in m")
    program = dispatch(parse_program(both, "both"))
    assert "m_peers" in program.maps_by_name()


def judged_by(rules: str) -> set[str]:
    """Return the maps of a pod with the rules, by the ends of their names."""
    text = (
        'program "n"\n\n'
        + "".join(
            f"set {name} ipv4 address {{\n  10.0.{n}.1\n  10.0.{n}.2\n}}\n\n"
            for n, name in enumerate("abcd")
        )
        + "map m ipv4 address {\n  10.0.1.1 : jump np\n}\n\n"
        + "chain forward hook forward {\n  lookup daddr in m\n}\n\n"
        + f"chain np {{\n{rules}  drop\n}}\n"
    )
    program = by_port(dispatch(parse_program(text, "text")))
    return {item.name.rpartition("_")[2] for item in program.maps}


def test_what_is_quicker_judges() -> None:
    ports = [f"  saddr @{name} tcp {port} return\n" for name in "abcd" for port in (22, 80, 443)]
    assert judged_by("".join(ports[:2])) == {"m"}
    assert judged_by("".join(ports[:6])) == {"m", "ports"}
    assert "peers" in judged_by("".join(ports))
    ranges = [f"  saddr @{name} tcp 1000-{end}000 return\n" for name in "abcd" for end in (2, 3)]
    assert "peers" in judged_by("".join((*ports[:6], *ranges)))
