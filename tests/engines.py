"""Keepers of one packet filter, for tests that need no command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cnpc.backends.apply.engine import Engine
from cnpc.backends.apply.store import Store
from cnpc.backends.iptables.names import BACKEND as IPTABLES
from cnpc.backends.iptables.node.dataplane import IptablesDataplane
from cnpc.backends.iptables.node.tools import FLAVOURS, tools_of
from cnpc.backends.nftables.names import BACKEND
from cnpc.backends.nftables.node.client import CommandNft, LibraryNft, WithoutNft
from cnpc.backends.nftables.node.dataplane import NftDataplane
from cnpc.backends.nftables.node.kernel import LinuxKernel, NodeKernel

KINDS = ("nftables", *(f"iptables-{flavour}" for flavour in FLAVOURS))
"""Each packet filter by which a ruleset is put in force on a kernel."""

BY_COMMAND = "nftables by nft"
"""nftables again, without the library."""
NFT_KINDS = ("nftables", BY_COMMAND)


def warnings_fail(words: str) -> None:
    """Take any warning for a fault."""
    raise AssertionError(words)


def nft_engine(
    node: NodeKernel, folder: Path, warn: Callable[[str], None] = warnings_fail
) -> Engine:
    """Return the engine of a node that has nftables alone."""
    return Engine({BACKEND: lambda: NftDataplane(node)}, Store(folder), lambda: None, warn)


def iptables_filter(flavour: str) -> IptablesDataplane:
    """Return the iptables of a flavour, whatever the system's is."""
    found = tools_of(flavour)
    if found is None:
        pytest.skip(f"needs iptables-{flavour}")
    return IptablesDataplane(LinuxKernel(WithoutNft()), found)


def kernel_engine(kind: str, folder: Path, warn: Callable[[str], None] = warnings_fail) -> Engine:
    """Return the engine of this network namespace that puts rulesets in force in one way."""
    if kind in NFT_KINDS:
        nft = CommandNft() if kind == BY_COMMAND else LibraryNft()
        return nft_engine(LinuxKernel(nft), folder)
    backend, _, flavour = kind.partition("-")
    own = iptables_filter(flavour)
    return Engine({backend: lambda: own}, Store(folder), lambda: None, warn)


def both_engine(flavour: str, folder: Path, warn: Callable[[str], None] = warnings_fail) -> Engine:
    """Return the engine of this network namespace that has nftables and one kind of iptables."""
    nft, own = NftDataplane(LinuxKernel(LibraryNft())), iptables_filter(flavour)
    return Engine({BACKEND: lambda: nft, IPTABLES: lambda: own}, Store(folder), lambda: None, warn)
