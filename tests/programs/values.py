"""The values that random Programs and packets share, so that each meets the other at its edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random

from cnpc.compiler.ir.match import KeyType
from cnpc.compiler.net import PORT_PROTOCOLS, Family, Interval, Protocol, normalize

PORTS = (0, 1, 79, 80, 81, 443, 8080, 65534, 65535)
PROTOCOLS = (*(int(item) for item in Protocol), 0, 47, 255)
TYPES = (0, 128, 129, 133, 137, 255)
TEXTS = ("", "x", 'a "b"', "a\nb", "\\n", "\u2028\x85", "é😀", "\ud800", "%$*;#}", "-", "\0\x7f")


def addresses(*texts: str) -> Mapping[Family, Sequence[int]]:
    """Return the addresses by family, each family's first and last with them."""
    found = [ip_address(text) for text in texts]
    return {
        family: (0, *(int(item) for item in found if item.max_prefixlen == family.value), last)
        for family in Family
        for last in (family.max_address,)
    }


ADDRESSES = addresses("0.0.0.1", "10.0.0.2", "10.0.0.3", "10.1.0.0", "::1", "fd00::2", "fd00::3")


@dataclass(frozen=True, slots=True)
class Draw:
    """Draws values; ``addresses`` are the edges of address intervals."""

    random: Random
    addresses: Mapping[Family, Sequence[int]]

    def interval(self, values: Sequence[int]) -> Interval:
        """Return a single value, or an interval between two."""
        low = self.random.choice(values)
        high = self.random.choice(values) if self.random.random() < 0.4 else low
        return (min(low, high), max(low, high))

    def intervals(self, values: Sequence[int]) -> tuple[Interval, ...]:
        """Return a normal list that is not empty."""
        return normalize(self.interval(values) for _ in range(self.random.randint(1, 3)))

    def key(self, kinds: Sequence[KeyType], family: Family) -> tuple[Interval, ...]:
        """Return an interval for each part; only protocols with ports stand beside a port."""
        protocols = PORT_PROTOCOLS if KeyType.PORT in kinds else PROTOCOLS
        edges = {
            KeyType.ADDRESS: self.addresses[family],
            KeyType.PROTOCOL: [int(item) for item in protocols],
            KeyType.PORT: PORTS,
        }
        drawn = [self.interval(edges[kind]) for kind in kinds]
        if KeyType.PORT in kinds:  # an interval of protocols would hold some without ports
            drawn = [
                (low, low) if kind is KeyType.PROTOCOL else (low, high)
                for kind, (low, high) in zip(kinds, drawn, strict=True)
            ]
        return tuple(drawn)
