"""How large an emitted ruleset is, in whichever packet filter."""

from __future__ import annotations

from dataclasses import dataclass


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
