"""Whether rules of ours for iptables judge packets, of either flavour, without a program.

What others have there may be tens of thousands of rules, all of which iptables-save would list.
Packets come to ours by the chains that the host's jump to, so it is enough to ask for these.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ...linux import netlink
from ..names import HOOKS, OWN, TABLES
from .legacy import legacy_has

NFT_FAMILIES = {"v4": 2, "v6": 10}
"""NFPROTO_IPV4, NFPROTO_IPV6."""
_ENTRANCES = tuple(f"{OWN}{hook}" for hook in HOOKS)


def where_active() -> tuple[str, ...]:
    """Return where rules of ours for iptables judge packets."""
    flavours = {"iptables-nft": _nft_has, "iptables-legacy": legacy_has}
    return tuple(name for name, has in flavours.items() if has(_ENTRANCES))


def nft_tables(family: str) -> tuple[str, ...]:
    """Return which of the tables iptables-nft has in which ours may be.

    To list one by its programs would make it.
    """
    number = NFT_FAMILIES[family]
    return tuple(table for table in TABLES if netlink.exists(partial(netlink.table, table, number)))


def _nft_has(chains: Iterable[str]) -> bool:
    """Tell whether iptables-nft, whose tables are some of nftables, has one of the chains."""
    return any(
        netlink.exists(partial(netlink.chain, table, chain, family))
        for table in TABLES
        for chain in chains
        for family in NFT_FAMILIES.values()
    )
