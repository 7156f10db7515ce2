"""Keepers of one packet filter, for tests that need no command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cnpc.backends.apply.engine import Keeper
from cnpc.backends.apply.store import State
from cnpc.backends.iptables.names import BACKEND as IPTABLES
from cnpc.backends.iptables.node.dataplane import IptablesFilter
from cnpc.backends.iptables.node.tools import FLAVOURS, tools_of
from cnpc.backends.nftables.names import BACKEND
from cnpc.backends.nftables.node.client import CommandNft, LibraryNft, WithoutNft
from cnpc.backends.nftables.node.dataplane import NftFilter
from cnpc.backends.nftables.node.kernel import KernelNode, Node

KINDS = ("nftables", *(f"iptables-{flavour}" for flavour in FLAVOURS))
"""Each packet filter by which a ruleset is put in force on a kernel."""

BY_COMMAND = "nftables by nft"
"""nftables again, without the library."""
NFT_KINDS = ("nftables", BY_COMMAND)


def warnings_fail(words: str) -> None:
    """Take any warning for a fault."""
    raise AssertionError(words)


def nft_keeper(node: Node, folder: Path, warn: Callable[[str], None] = warnings_fail) -> Keeper:
    """Return the keeper of a node that has nftables alone."""
    return Keeper({BACKEND: lambda: NftFilter(node)}, State(folder), lambda: None, warn)


def iptables_filter(flavour: str) -> IptablesFilter:
    """Return the iptables of a flavour, whatever the system's is."""
    found = tools_of(flavour)
    if found is None:
        pytest.skip(f"needs iptables-{flavour}")
    return IptablesFilter(KernelNode(WithoutNft()), found)


def kernel_keeper(kind: str, folder: Path, warn: Callable[[str], None] = warnings_fail) -> Keeper:
    """Return the keeper of this network namespace that puts rulesets in force in one way."""
    if kind in NFT_KINDS:
        nft = CommandNft() if kind == BY_COMMAND else LibraryNft()
        return nft_keeper(KernelNode(nft), folder)
    backend, _, flavour = kind.partition("-")
    own = iptables_filter(flavour)
    return Keeper({backend: lambda: own}, State(folder), lambda: None, warn)


def both_keeper(flavour: str, folder: Path, warn: Callable[[str], None] = warnings_fail) -> Keeper:
    """Return the keeper of this network namespace that has nftables and one kind of iptables."""
    nft, own = NftFilter(KernelNode(LibraryNft())), iptables_filter(flavour)
    return Keeper({BACKEND: lambda: nft, IPTABLES: lambda: own}, State(folder), lambda: None, warn)
