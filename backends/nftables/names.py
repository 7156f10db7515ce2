"""What the parts of a ruleset for nftables are called."""

from __future__ import annotations

BACKEND = "nftables"
SUFFIX = "nft"
TABLE = "inet cnpc"
SPARE = ("inet cnpc_spare", "inet cnpc_spare2")
"""Tables that judge beside the own one while that is replaced as a whole."""


def short(table: str) -> str:
    """Return the name of a table without its family, as netlink has it."""
    return table.rpartition(" ")[2]
