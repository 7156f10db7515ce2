"""The iptables of this node, of the flavour that the system has chosen."""

from __future__ import annotations

from ...backends.iptables_filter import IptablesFilter
from ...backends.iptables_tools import system_tools
from ...backends.node import KernelNode, WithoutNft


def reach() -> IptablesFilter:
    """Return it; NodeError with the remedy where the node lacks a part of it."""
    return IptablesFilter(KernelNode(WithoutNft()), system_tools())
