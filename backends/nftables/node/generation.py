"""What tells at once whether anybody has committed anything to nftables."""

from __future__ import annotations

from ...apply.record import Kernel
from ...linux import netlink
from ..names import BACKEND, TABLE, short


def judging() -> tuple[str, ...]:
    """Return where rules of ours for nftables judge packets."""
    return (BACKEND,) if netlink.exists(lambda: netlink.table(short(TABLE))) else ()


class NftSigns:
    """The kernel's count of commits, of all tables."""

    backend = BACKEND

    def place(self) -> str:
        """Return what names this boot of this network namespace."""
        return netlink.place()

    def quiet(self, kernel: Kernel) -> bool:
        """Tell whether nobody, in any table, has committed anything since, and ours is there."""
        return netlink.generation() == kernel.generation and bool(judging())
