"""The IR's values: what they hold, and where verdicts lead."""

from __future__ import annotations

import pytest
from cnpc.compiler.ir.match import Field, KeyType
from cnpc.compiler.ir.program import Goto, Jump, Lookup, Terminal, Verdict, map_of
from cnpc.compiler.ir.reachability import successors
from cnpc.compiler.net import Family
from programs import seeded


def test_every_field_has_a_type() -> None:
    assert {field.type for field in Field} == set(KeyType)


def test_successors_of_a_map_are_told_once_in_order() -> None:
    verdicts: tuple[Verdict, ...] = (Goto("b"), Jump("a"), Goto("a"), Terminal.DROP)
    elements = tuple((((n, n),), verdict) for n, verdict in enumerate(verdicts))
    maps = {"m": map_of("m", Family.IPV4, (KeyType.ADDRESS,), elements)}
    assert successors(Lookup((Field.SADDR,), "m"), maps) == ("a", "b")
    assert successors(Jump("x"), maps) == successors(Goto("x"), maps) == ("x",)
    assert [successors(item, maps) for item in Terminal] == [()] * len(Terminal)


def test_programs_are_equal_by_value_hashable_and_frozen() -> None:
    program = seeded(3)
    assert program == seeded(3)
    assert hash(program) == hash(seeded(3))
    assert program != seeded(4)
    with pytest.raises(AttributeError):
        program.node = "x"  # type: ignore[misc]  # what is tested


def test_things_are_found_by_name() -> None:
    program = seeded(3)
    assert list(program.chains_by_name().values()) == list(program.chains)
    assert list(program.maps_by_name()) == [item.name for item in program.maps]
    assert list(program.sets_by_name()) == [item.name for item in program.sets]
