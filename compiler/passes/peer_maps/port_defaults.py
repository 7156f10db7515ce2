"""Which services a peer may use of a pod: a default, and what differs from it, in two forms.

Single ports make keys of a map; wide ranges, of which a map would need a key for each port, make
rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from ...ir.match import PortMatch
from ...ir.packet_space import ANY_SERVICE, LAST_SERVICE
from ...net import MAX_PORT, Interval, Protocol, contains, normalize, subtract
from ..cost_model import LONGEST_RANGE

_REMEMBERED = 8192
_PORTS = MAX_PORT + 1

Allowed = tuple[Interval, ...]
"""Services, numbered as in ``packet_space``, in normal form."""


class PortDefaults(Struct, frozen=True):
    """``allowed`` taken apart: what applies by default, and the ports that are judged otherwise."""

    default: bool
    ports: tuple[tuple[Protocol, int], ...]
    ranges: tuple[PortMatch, ...]


@lru_cache(_REMEMBERED)
def port_defaults(allowed: Allowed) -> PortDefaults:
    """Return the form of a function from service to verdict.

    The default is what protocols without ports get, of which there are too many to list.
    """
    default = contains(allowed, LAST_SERVICE)
    others = subtract(ANY_SERVICE, allowed) if default else allowed
    ports: list[tuple[Protocol, int]] = []
    ranges: dict[Protocol, list[Interval]] = {}
    for protocol, (low, high) in _by_protocol(others):
        if high - low < LONGEST_RANGE:
            ports += ((protocol, port) for port in range(low, high + 1))
        else:
            ranges.setdefault(protocol, []).append((low, high))
    wide = (PortMatch(protocol, normalize(found)) for protocol, found in ranges.items())
    return PortDefaults(default, tuple(ports), tuple(wide))


def _by_protocol(intervals: Allowed) -> Iterator[tuple[Protocol, Interval]]:
    for low, high in intervals:
        for number in range(low // _PORTS, high // _PORTS + 1):
            base = number * _PORTS
            yield Protocol(number), (max(low - base, 0), min(high - base, MAX_PORT))
