"""What tells at once whether anybody has committed anything to nftables."""

from __future__ import annotations

from . import netfilter
from .netlink import NFTABLES, text_attribute
from .nft_names import BACKEND, TABLE
from .notes import Kernel

_GET_TABLE = NFTABLES | 1  # NFT_MSG_GETTABLE, linux/netfilter/nf_tables.h
_NAME = 1  # NFTA_TABLE_NAME


def judging() -> tuple[str, ...]:
    """Return where rules of ours for nftables judge packets."""
    wanted = text_attribute(_NAME, TABLE.rpartition(" ")[2])
    return (BACKEND,) if netfilter.exists(_GET_TABLE, wanted) else ()


class NftSigns:
    """The kernel's count of commits, of all tables."""

    backend = BACKEND

    def place(self) -> str:
        """Return what names this boot of this network namespace."""
        return netfilter.place()

    def quiet(self, kernel: Kernel) -> bool:
        """Tell whether nobody, in any table, has committed anything since."""
        return netfilter.generation() == kernel.generation
