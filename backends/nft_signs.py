"""What tells at once whether anybody has committed anything to nftables."""

from __future__ import annotations

from . import netfilter
from .notes import Kernel

BACKEND = "nftables"
SUFFIX = "nft"


class NftSigns:
    """The kernel's count of commits, of all tables."""

    backend = BACKEND

    def place(self) -> str:
        """Return what names this boot of this network namespace."""
        return netfilter.place()

    def quiet(self, kernel: Kernel) -> bool:
        """Tell whether nobody, in any table, has committed anything since."""
        return netfilter.generation() == kernel.generation
