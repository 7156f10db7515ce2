"""How large an emitted nftables ruleset is, and an estimate of the kernel memory that it takes.

The bytes were measured on Linux 6.18 (slab, vmalloc and per-CPU memory before and after loading
3,000 to 100,000 of each thing); another kernel differs by its slab sizes, not by magnitude.
"""

from __future__ import annotations

from ...compiler.ir.match import AddressMatch, KeyType, Match, PortMatch
from ...compiler.ir.program import Lookup, Map, Program, Set
from ...compiler.net import Family
from ..base import RulesetSize
from .lookups import entries, listed

_CHAIN = 256
_RULE = 190
_TEST = 140  # a comparison or look-up, with the loads of what it compares
_TABLE = 600
_BITMAP = 33_000  # two bits for each of 65,536 ports, whatever the number of elements
_HASHED4 = 130  # an element of a hash, with its share of the buckets
_HASHED6 = 160
_INTERVAL = 185  # two nodes of a tree
_BOX = 480  # an element of a concatenation with intervals, in nft_set_pipapo


def nft_size(program: Program) -> RulesetSize:
    """Return the size of the ruleset that means the program."""
    rules = [rule for chain in program.chains for rule in chain.rules]
    matches = [match for rule in rules for match in rule.matches]
    anonymous = [_anonymous(match) for match in matches if len(listed(match)) > 1]
    tables: list[Set | Map] = [*program.sets, *program.maps, *anonymous]
    tests = len(matches) + sum(isinstance(rule.verdict, Lookup) for rule in rules)
    memory = sum(map(_bytes, tables)) + _CHAIN * len(program.chains)
    memory += _RULE * len(rules) + _TEST * tests
    return RulesetSize(
        rules=len(rules),
        chains=len(program.chains),
        sets=len(program.sets) + len(anonymous),
        maps=len(program.maps),
        anonymous=len(anonymous),
        elements=sum(map(_count, tables)),
        kernel_bytes=memory,
    )


def _anonymous(match: Match) -> Set:
    """Return the set without a name that nft makes of the values in a rule."""
    keys = tuple((value,) for value in listed(match))
    if isinstance(match, AddressMatch):
        return Set("", match.family, (KeyType.ADDRESS,), keys)
    # Types of ICMPv6 are single bytes, as protocols are.
    kind = KeyType.PORT if isinstance(match, PortMatch) else KeyType.PROTOCOL
    return Set("", Family.IPV4, (kind,), keys)


def _count(table: Set | Map) -> int:
    return len(table.elements) if isinstance(table, Set) else len(table)


def _bytes(table: Set | Map) -> int:
    exact = all(low == high for key, _ in entries(table) for low, high in key)
    if exact and table.key == (KeyType.PORT,) and isinstance(table, Set):
        return _TABLE + _BITMAP
    return _TABLE + _count(table) * _element_bytes(table, exact=exact)


def _element_bytes(table: Set | Map, *, exact: bool) -> int:
    if not exact:
        return _INTERVAL if len(table.key) == 1 else _BOX
    return _HASHED6 if table.family is Family.IPV6 else _HASHED4
