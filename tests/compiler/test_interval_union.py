"""Unions of intervals: the same as sets of numbers, at any order of adding."""

from __future__ import annotations

from random import Random

import pytest
from cnpc.compiler.interval_union import IntervalUnion, overlap
from cnpc.compiler.net import Interval, normalize

Intervals = tuple[Interval, ...]


@pytest.mark.parametrize(
    ("left", "right", "shared"),
    [
        ((), ((0, 9),), False),
        (((0, 4),), ((5, 9),), False),
        (((0, 5),), ((5, 9),), True),
        (((5, 5),), ((0, 4), (6, 9)), False),
        (((6, 6),), ((0, 4), (6, 9)), True),
        (((4, 4),), ((0, 4), (6, 9)), True),
        (((0, 1), (9, 12)), ((2, 8), (12, 20), (30, 31)), True),
        (((0, 1), (9, 11)), ((2, 8), (12, 20), (30, 31)), False),
    ],
)
def test_lists_overlap_where_they_share_a_number(
    left: Intervals, right: Intervals, *, shared: bool
) -> None:
    assert overlap(left, right) is shared
    assert overlap(right, left) is shared


@pytest.mark.parametrize("seed", range(30))
def test_a_union_is_that_of_sets(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    numbers: set[int] = set()
    union = IntervalUnion(())
    for _ in range(12):
        added = _some(random)
        asked = _some(random)
        assert union.overlaps(asked) == bool(numbers & _numbers(asked))
        union.add(added)
        numbers |= _numbers(added)
    assert union.intervals() == normalize((number, number) for number in numbers)
    assert union.intervals() == normalize((number, number) for number in numbers)


def test_it_begins_with_a_list() -> None:
    assert IntervalUnion(((1, 2), (4, 5))).intervals() == ((1, 2), (4, 5))


def _some(random: Random) -> Intervals:
    starts = (random.randrange(300) for _ in range(random.choice((1, 1, 2, 8))))
    return normalize((low, low + random.randrange(4)) for low in starts)


def _numbers(intervals: Intervals) -> set[int]:
    return {number for low, high in intervals for number in range(low, high + 1)}
