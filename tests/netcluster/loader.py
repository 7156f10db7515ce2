"""How rulesets get into a node: a strategy, so that every packet filter meets the same tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cnpc.backends.iptables.names import TABLES
from cnpc.backends.iptables.node.tools import NO_RELOAD

from .namespaces import ClusterError, run
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


IPSET_RESTORE = (
    "env",
    *(f"{name}={value}" for name, value in NO_RELOAD.items()),
    "ipset",
    "restore",
)
"""How docs/iptables.md says that sets are loaded."""


class Loader(Protocol):
    """Loads what a backend made; both methods are called inside the node's namespace."""

    backend: str
    """What ``cnpc compile --backend`` calls the backend."""
    tools: tuple[str, ...]
    """The programs that must be there."""

    def load(self, texts: Mapping[str, str]) -> None:
        """Load texts by suffix; ClusterError with the tool's message if they are refused."""

    def clear(self) -> None:
        """Remove every ruleset."""


class NftLoader:
    """nft(8) from standard input; ``clear`` flushes all tables, whoever made them."""

    backend = "nftables"
    tools: tuple[str, ...] = ("nft",)

    def load(self, texts: Mapping[str, str]) -> None:
        """Load the text as ``nft -f -`` does."""
        run(("nft", "-f", "-"), texts["nft"])

    def clear(self) -> None:
        """Flush the ruleset."""
        run(("nft", "-f", "-"), f"flush ruleset\n{_SILENCE}")


class IptablesLoader:
    """The sets, then the rules of each family, by one flavour of iptables: legacy or nft."""

    backend = "iptables"

    def __init__(self, flavour: str) -> None:
        self.restore = [f"{name}-{flavour}-restore" for name in ("iptables", "ip6tables")]
        self.tools: tuple[str, ...] = ("ipset", *self.restore)

    def load(self, texts: Mapping[str, str]) -> None:
        """Load as docs/iptables.md says: what fails for want of the jumps goes well again."""
        run(IPSET_RESTORE, texts["ipset"])
        for restore, suffix in zip(self.restore, ("v4", "v6"), strict=True):
            try:
                run((restore, "--noflush"), texts[suffix])
            except ClusterError:
                run((restore, "--noflush"), texts[suffix])

    def clear(self) -> None:
        """Flush the tables, whoever filled them, and all sets."""
        for restore in self.restore:
            run((restore,), "".join(f"*{table}\nCOMMIT\n" for table in TABLES))
        run(("ipset", "destroy"))


NFT = NftLoader()
LOADERS: Mapping[str, Loader] = {
    "nftables": NFT,
    "iptables-legacy": IptablesLoader("legacy"),
    "iptables-nft": IptablesLoader("nft"),
}
"""Every way in which rulesets are loaded, by name."""


def silence() -> None:
    """Keep this namespace's kernel from answering probes itself."""
    run(("nft", "-f", "-"), f"table inet netcluster\ndelete table inet netcluster\n{_SILENCE}")
