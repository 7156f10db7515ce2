"""What tells at once whether anybody has committed anything to nftables."""

from __future__ import annotations

from . import netfilter
from .nft_names import BACKEND, TABLE, short
from .notes import Kernel


def judging() -> tuple[str, ...]:
    """Return where rules of ours for nftables judge packets."""
    return (BACKEND,) if netfilter.exists(lambda: netfilter.table(short(TABLE))) else ()


class NftSigns:
    """The kernel's count of commits, of all tables."""

    backend = BACKEND

    def place(self) -> str:
        """Return what names this boot of this network namespace."""
        return netfilter.place()

    def quiet(self, kernel: Kernel) -> bool:
        """Tell whether nobody, in any table, has committed anything since, and ours is there."""
        return netfilter.generation() == kernel.generation and bool(judging())
