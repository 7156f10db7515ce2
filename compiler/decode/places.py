"""Numbers for the places of objects: a Place is made only where one is asked for."""

from __future__ import annotations

from bisect import bisect_right

from ..errors import Place


class Places:
    """Gives out numbers, and says of which place each is."""

    def __init__(self) -> None:
        """Start empty, from number 0."""
        self._starts: list[int] = []
        self._runs: list[Place] = []
        self._count = 0

    def add(self, first: Place, count: int = 1) -> int:
        """Return the number of the first of so many places; the others are the items after it."""
        number = self._count
        self._starts.append(number)
        self._runs.append(first)
        self._count += count
        return number

    def __getitem__(self, number: int) -> Place:
        """Return the place with a number that was given out."""
        run = bisect_right(self._starts, number) - 1
        first, after = self._runs[run], number - self._starts[run]
        if not after:
            return first
        *path, index = first.path
        return Place(first.source, first.document, (*path, int(index) + after))
