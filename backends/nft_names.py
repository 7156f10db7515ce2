"""What the tables of ours in nftables are called."""

from __future__ import annotations

TABLE = "inet cnpc"
SPARE = ("inet cnpc_spare", "inet cnpc_spare2")
"""Tables that judge beside the own one while that is replaced as a whole."""
