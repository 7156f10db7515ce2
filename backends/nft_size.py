"""How large an emitted ruleset is, and an estimate of the kernel memory that it takes.

The bytes were measured on Linux 6.18 (slab, vmalloc and per-CPU memory before and after loading
3,000 to 100,000 of each thing); another kernel differs by its slab sizes, not by magnitude.
"""

from __future__ import annotations

from dataclasses import dataclass

from .nft_text import Table, Text

_CHAIN = 256
_RULE = 190
_TEST = 140  # a comparison or look-up, with the loads of what it compares
_TABLE = 600
_BITMAP = 33_000  # two bits for each of 65,536 ports, whatever the number of elements
_HASHED4 = 130  # an element of a hash, with its share of the buckets
_HASHED6 = 160
_INTERVAL = 185  # two nodes of a tree
_BOX = 480  # an element of a concatenation with intervals, in nft_set_pipapo


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


def size(text: Text) -> RulesetSize:
    """Return the size of a ruleset."""
    anonymous = list(text.anonymous())
    tables = [*text.tables.values(), *anonymous]
    rules = [rule for chain in text.chains.values() for rule in chain.rules]
    tests = sum(len(rule.tests) for rule in rules)
    memory = sum(map(_bytes, tables)) + _CHAIN * len(text.chains)
    memory += _RULE * len(rules) + _TEST * tests
    maps = sum(table.verdicts for table in tables)
    return RulesetSize(
        rules=len(rules),
        chains=len(text.chains),
        sets=len(tables) - maps,
        maps=maps,
        anonymous=len(anonymous),
        elements=sum(len(table.elements) for table in tables),
        kernel_bytes=memory,
    )


def _bytes(table: Table) -> int:
    if table.types == ("inet_service",) and not table.interval and not table.verdicts:
        return _TABLE + _BITMAP
    return _TABLE + len(table.elements) * _element_bytes(table)


def _element_bytes(table: Table) -> int:
    if table.interval:
        return _INTERVAL if len(table.types) == 1 else _BOX
    return _HASHED6 if "ipv6_addr" in table.types else _HASHED4
