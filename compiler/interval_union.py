"""A union of intervals that grows: adding a list, and testing for overlap, take logarithmic time.

The lists are kept in levels, each at least twice as long as the next, and an added list joins
the shorter ones: the logarithmic method of Bentley and Saxe (1980). An interval is thus merged
log n times in all, where one normal list would be made anew at each addition.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter

from .net import Interval, normalize

_HIGH = itemgetter(1)


class IntervalUnion:
    """The union of the normal lists that were added."""

    def __init__(self, intervals: tuple[Interval, ...]) -> None:
        """Begin with one normal list."""
        self._levels = [intervals]

    def add(self, intervals: tuple[Interval, ...]) -> None:
        """Add a normal list."""
        levels = self._levels
        while levels and len(levels[-1]) < 2 * len(intervals):
            intervals = normalize(levels.pop() + intervals)
        levels.append(intervals)

    def overlaps(self, intervals: Sequence[Interval]) -> bool:
        """Return whether a normal list shares a number with the union."""
        return any(overlap(level, intervals) for level in self._levels)

    def intervals(self) -> tuple[Interval, ...]:
        """Return the union in normal form."""
        if len(self._levels) > 1:
            self._levels = [normalize(item for level in self._levels for item in level)]
        return self._levels[0]


def overlap(left: Sequence[Interval], right: Sequence[Interval]) -> bool:
    """Return whether two normal lists share a number; the longer one is searched, not read."""
    shorter, longer = sorted((left, right), key=len)
    for low, high in shorter:
        index = bisect_left(longer, low, key=_HIGH)
        if index < len(longer) and longer[index][0] <= high:
            return True
    return False
