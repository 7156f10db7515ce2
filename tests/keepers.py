"""Keepers of one packet filter, for tests that need no command line."""

from __future__ import annotations

from pathlib import Path

from cnpc.backends.keeper import Keeper
from cnpc.backends.nft_filter import BACKEND, NftFilter
from cnpc.backends.node import Node
from cnpc.backends.record import State


def nft_keeper(node: Node, folder: Path) -> Keeper:
    """Return the keeper of a node that has nftables alone."""
    return Keeper({BACKEND: lambda: NftFilter(node)}, State(folder), lambda: None)
