"""How large an emitted iptables ruleset is, and an estimate of the kernel memory that it takes.

Measured on Linux 6.18: 9,465 rules with comments in 1,178 chains (slab, vmalloc and per-CPU memory
before and after), and what ipset(8) says that sets take. The rules are those of iptables-nft;
iptables-legacy takes a quarter less.
"""

from __future__ import annotations

from collections.abc import Iterable

from .nft_size import RulesetSize
from .nft_text import Table, Text

_CHAIN = 256
_RULE = 850
_TABLE = 400
_HASHED4 = 30
_HASHED6 = 49


def iptables_size(families: Iterable[Text]) -> RulesetSize:
    """Return the size of a ruleset of both families."""
    texts = list(families)
    chains = [chain for text in texts for chain in text.chains.values()]
    tables = [table for text in texts for table in text.tables.values()]
    rules = sum(len(chain.rules) for chain in chains)
    return RulesetSize(
        rules=rules,
        chains=len(chains),
        sets=len(tables),
        maps=0,
        anonymous=0,
        elements=sum(len(table.elements) for table in tables),
        kernel_bytes=_CHAIN * len(chains) + _RULE * rules + sum(map(_bytes, tables)),
    )


def _bytes(table: Table) -> int:
    each = _HASHED6 if "ipv6_addr" in table.types else _HASHED4
    return _TABLE + len(table.elements) * each
