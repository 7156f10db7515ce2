"""How many of something, in words."""

from __future__ import annotations


def count(number: int, one: str, many: str | None = None) -> str:
    """Return the number with the word for so many; of most words, more than one end in s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
