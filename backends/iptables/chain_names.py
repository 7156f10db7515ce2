"""Chain names from a bounded stock, so that a text knows all names that another version may use.

A text cannot ask what is loaded. But declaring a chain makes or flushes it, and deleting it behind
that always succeeds: a text that declares the whole stock and deletes what it does not use leaves
nothing of any other version behind, whatever that was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from msgspec import Struct

SMALLEST_STOCK = 1024
"""More chains than nodes usually need, a quarter of a second's work at most (iptables-nft)."""

_PREFIX = "CNPC-"


class ChainNames(Struct, frozen=True):
    """A chain name for each name, and the names of the stock that are left over, in order."""

    names: Mapping[str, str]
    unused: tuple[str, ...]


def assign(names: Collection[str]) -> ChainNames:
    """Return the slots of the names: each where its hash points, or in the next free place.

    A name that comes or goes moves hardly any other. The stock is at most half full; it has grown
    beyond the smallest where a version has more than half as many chains, and only from such a
    version can something be left behind by one that needs the smaller stock.
    """
    size = max(SMALLEST_STOCK, 1 << (2 * len(names)).bit_length())
    taken: dict[int, str] = {}
    for name in sorted(names):
        place = _hash(name) % size
        while place in taken:
            place = (place + 1) % size
        taken[place] = name
    return ChainNames(
        {name: f"{_PREFIX}{place:03x}" for place, name in taken.items()},
        tuple(f"{_PREFIX}{place:03x}" for place in range(size) if place not in taken),
    )


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
