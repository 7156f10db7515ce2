"""The packet filters of this node, by their backends' names, each reached when it is needed."""

from __future__ import annotations

from functools import cache

from ...backends import iptables_layout, nft_filter
from ...backends.doctor import lacks_nft
from ...backends.iptables_filter import IptablesFilter
from ...backends.iptables_tools import system_tools
from ...backends.keeper import Filters
from ...backends.nft_filter import NftFilter
from ...backends.node import KernelNode, WithoutNft, open_nft
from ..errors import NodeError


def filters() -> Filters:
    """Return how to reach each of them, the one to prefer first."""
    return {nft_filter.BACKEND: cache(_nft), iptables_layout.BACKEND: cache(_iptables)}


def usable_backend() -> str:
    """Return the first backend that the node has all for; NodeError if there is none."""
    refusals = []
    for backend, reach in filters().items():
        try:
            reach()
        except NodeError as refusal:
            refusals.append(refusal)
        else:
            return backend
    raise refusals[0]


def _nft() -> NftFilter:
    for finding in lacks_nft():
        raise NodeError(str(finding))
    return NftFilter(KernelNode(open_nft()))


def _iptables() -> IptablesFilter:
    return IptablesFilter(KernelNode(WithoutNft()), system_tools())
