"""A part of a long text, compared with another part without copying either as a whole.

Copying costs more than comparing: what is copied whole comes from fresh pages of memory.
"""

from __future__ import annotations

from dataclasses import dataclass

_BLOCK = 1 << 16
"""Characters compared at once: few enough to stay in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class TextSlice:
    """The characters of ``source`` from ``start`` up to ``end``."""

    source: str
    start: int
    end: int

    @classmethod
    def whole(cls, text: str) -> TextSlice:
        """Return all of a text."""
        return cls(text, 0, len(text))

    def __len__(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return self.source[self.start : self.end]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TextSlice):
            return NotImplemented
        return len(self) == len(other) and self.common_start(other) == len(self)

    def __hash__(self) -> int:
        return hash(str(self))

    def common_start(self, other: TextSlice) -> int:
        """Return how many characters both begin with."""
        most = min(len(self), len(other))
        for place in range(0, most, _BLOCK):
            stop = min(place + _BLOCK, most)
            mine = self.source[self.start + place : self.start + stop]
            its = other.source[other.start + place : other.start + stop]
            if mine != its:
                return place + _same(mine, its)
        return most

    def common_end(self, other: TextSlice, most: int) -> int:
        """Return how many characters, ``most`` at most, both end with."""
        for place in range(0, most, _BLOCK):
            stop = min(place + _BLOCK, most)
            mine = self.source[self.end - stop : self.end - place]
            its = other.source[other.end - stop : other.end - place]
            if mine != its:
                return place + _same(mine[::-1], its[::-1])
        return most


def _same(left: str, right: str) -> int:
    """Return how many characters two texts of one length begin with, by halving."""
    low, high = 0, len(left)
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
