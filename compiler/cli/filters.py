"""The packet filters of this node, by their backends' names, each reached when it is needed."""

from __future__ import annotations

from functools import cache

from ...backends.doctor import lacks_nft
from ...backends.keeper import Filters
from ...backends.nft_filter import BACKEND, NftFilter
from ...backends.node import KernelNode, open_nft
from ..errors import NodeError


def filters() -> Filters:
    """Return how to reach each of them, the one to prefer first."""
    return {BACKEND: cache(_nft)}


def _nft() -> NftFilter:
    for finding in lacks_nft():
        raise NodeError(str(finding))
    return NftFilter(KernelNode(open_nft()))
