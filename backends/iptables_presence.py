"""Whether rules of ours for iptables judge packets, of either flavour, without a program.

What others have there may be tens of thousands of rules, all of which iptables-save would list.
Packets come to ours by the chains that the host's jump to, so it is enough to ask for these.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import netfilter
from .iptables_legacy import legacy_has
from .iptables_names import HOOKS, OWN
from .netlink import NFTABLES, text_attribute

_GET_CHAIN = NFTABLES | 4  # NFT_MSG_GETCHAIN, linux/netfilter/nf_tables.h
_TABLE, _NAME = 1, 3  # NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME
_FAMILIES = (2, 10)  # NFPROTO_IPV4, NFPROTO_IPV6
_ENTRANCES = tuple(f"{OWN}{hook}" for hook in HOOKS)


def judging() -> tuple[str, ...]:
    """Return where rules of ours for iptables judge packets."""
    flavours = {"iptables-nft": _nft_has, "iptables-legacy": legacy_has}
    return tuple(name for name, has in flavours.items() if has(_ENTRANCES))


def _nft_has(chains: Iterable[str]) -> bool:
    """Tell whether iptables-nft, whose table filter is one of nftables, has one of the chains."""
    table = text_attribute(_TABLE, "filter")
    return any(
        netfilter.exists(_GET_CHAIN, table + text_attribute(_NAME, chain), family)
        for chain in chains
        for family in _FAMILIES
    )
