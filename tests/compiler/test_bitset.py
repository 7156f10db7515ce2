"""Masks hold what they are made of, whatever their length and however few bits are set."""

from __future__ import annotations

import pytest
from cnpc.compiler.bitset import bits, flags, mask_of


def test_a_mask_has_the_bits_of_its_places() -> None:
    assert mask_of((), 0) == 0
    assert mask_of([0, 3, 3, 8], 9) == 0b1_0000_1001
    assert mask_of([7], 8) == 0b1000_0000


def test_flags_end_with_the_highest_bit() -> None:
    assert flags(0b1101) == b"\1\0\1\1"
    assert flags(1 << 9) == b"\0" * 9 + b"\1"


@pytest.mark.parametrize(
    "places",
    [
        pytest.param([0], id="the lowest alone"),
        pytest.param([1_000], id="one alone"),
        pytest.param([0, 1, 2, 5], id="dense"),
        pytest.param([0, 30], id="at the last density that is read"),
        pytest.param([0, 31], id="at the first density that is searched"),
        pytest.param([3, 400, 401, 9_999], id="sparse"),
    ],
)
def test_bits_are_the_places_in_order(places: list[int]) -> None:
    assert bits(mask_of(places, places[-1] + 1)) == places


def test_an_empty_mask_has_no_bits() -> None:
    assert bits(0) == []
