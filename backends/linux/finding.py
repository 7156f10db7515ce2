"""What looking at a node finds, and how bad it is."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Level(enum.Enum):
    """How bad a finding is; only what is missing stops an apply."""

    FINE = "ok"
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was found, and what to do about it."""

    level: Level
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.text}; {self.remedy}" if self.remedy else self.text


def fine(text: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(Level.FINE, text)


def warning(text: str, remedy: str) -> Finding:
    """Return what disturbs, with the remedy."""
    return Finding(Level.WARNING, text, remedy)


def missing(text: str, remedy: str) -> Finding:
    """Return what without nothing can be applied, with the remedy."""
    return Finding(Level.MISSING, text, remedy)
