"""Choices, each made so that the smallest draw is the plainest outcome."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def chance(random: Random, probability: float) -> bool:
    """Tell whether something unusual of that probability happens; the smallest draw says no."""
    return random.random() > 1 - probability


def count(random: Random, bounds: tuple[int, int]) -> int:
    """Return a number within the bounds, both included."""
    return random.randint(*bounds)


def some(random: Random, items: Sequence[T], least: int, most: int) -> list[T]:
    """Return between ``least`` and ``most`` different items."""
    return random.sample(list(items), min(len(items), random.randint(least, most)))
