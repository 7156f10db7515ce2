"""The interface of a backend, and the ruleset it builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from ..compiler.ir.program import Program


@dataclass(frozen=True, slots=True)
class RulesetSize:
    """Counts of what is emitted; sets, maps and elements include those within rules."""

    rules: int
    chains: int
    sets: int
    maps: int
    anonymous: int
    elements: int
    kernel_bytes: int


class Size(Struct, frozen=True):
    """How large a ruleset is, counted on what is emitted."""

    chains: int
    rules: int
    sets: int
    """Sets and maps, the anonymous ones in rules included."""
    elements: int
    """Elements of named sets and maps."""


class Ruleset(Struct, frozen=True):
    """What one node loads: the texts by file name suffix, in the order of loading."""

    node: str
    texts: Mapping[str, str]
    size: Size


class Backend(Protocol):
    """Turns programs into the text that one packet filter loads."""

    name: str
    """What ``--backend`` calls it."""
    suffixes: tuple[str, ...]
    """What the names of its texts end in, in the order of loading."""
    has_maps: bool
    """Whether a look-up in a verdict map is one step, or a tree of chains."""

    def build(self, program: Program, header: Sequence[str]) -> Ruleset:
        """Return the ruleset of one node; the header's lines stand first, as comments."""
        ...
