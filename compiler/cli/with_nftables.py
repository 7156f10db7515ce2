"""The nftables of this node."""

from __future__ import annotations

from ...backends.doctor import lacks_nft
from ...backends.nft_filter import NftFilter
from ...backends.node import KernelNode, open_nft
from ..errors import NodeError


def reach() -> NftFilter:
    """Return it; NodeError with the remedy where the node lacks it."""
    for finding in lacks_nft():
        raise NodeError(str(finding))
    return NftFilter(KernelNode(open_nft()))
