"""How rulesets get into a node: a strategy, so that every packet filter meets the same tests."""

from __future__ import annotations

from typing import Protocol

from .namespaces import run
from .packets import MAGIC

# The kernel answers packets that no socket wants (RST, port unreachable) before a probe's own
# answer is sent. It reflects the mark of the packet that it answers (fwmark_reflect), so a mark set
# behind everyone's input chains finds exactly these answers, and none that a ruleset sends.
_SILENCE = f"""
table inet netcluster {{
  chain arrived {{
    type filter hook input priority 2147483647; policy accept;
    meta l4proto tcp @th,160,32 0x{MAGIC.hex()} meta mark set 0x6e65
    meta l4proto udp @th,64,32 0x{MAGIC.hex()} meta mark set 0x6e65
    meta l4proto != {{ tcp, udp, icmp, ipv6-icmp }} @th,32,32 0x{MAGIC.hex()} meta mark set 0x6e65
  }}
  chain silence {{
    type filter hook output priority -2147483648; policy accept;
    meta mark 0x6e65 drop
  }}
}}
"""


class Loader(Protocol):
    """Loads rulesets; both methods are called inside the node's namespace."""

    def load(self, text: str) -> None:
        """Load the ruleset; ClusterError with the tool's message if it is refused."""

    def clear(self) -> None:
        """Remove every ruleset."""


class NftLoader:
    """nft(8) from standard input; ``clear`` flushes all tables, whoever made them."""

    def load(self, text: str) -> None:
        """Load text as ``nft -f -`` does."""
        run(("nft", "-f", "-"), text)

    def clear(self) -> None:
        """Flush the ruleset."""
        run(("nft", "-f", "-"), f"flush ruleset\n{_SILENCE}")


def silence() -> None:
    """Keep this namespace's kernel from answering probes itself."""
    run(("nft", "-f", "-"), f"table inet netcluster\ndelete table inet netcluster\n{_SILENCE}")
