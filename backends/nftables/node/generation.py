"""What tells at once whether anybody has committed anything to nftables."""

from __future__ import annotations

from ...apply.record import KernelState
from ...linux import netlink
from ..names import BACKEND, TABLE, short


def where_active() -> tuple[str, ...]:
    """Return where rules of ours for nftables judge packets."""
    return (BACKEND,) if netlink.exists(lambda: netlink.table(short(TABLE))) else ()


class NftGenerationCheck:
    """The kernel's count of commits, of all tables."""

    backend = BACKEND

    def netns_id(self) -> str:
        """Return what names this boot of this network namespace."""
        return netlink.netns_id()

    def is_unchanged(self, kernel: KernelState) -> bool:
        """Tell whether nobody, in any table, has committed anything since, and ours is there."""
        return netlink.generation() == kernel.generation and bool(where_active())
