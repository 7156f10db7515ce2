"""Connections that the kernel tracks, and the end of those that a ruleset denies.

Connection tracking accepts what is established before any policy, so a connection outlives the
policy that allowed it. An entry says what its first packet looked like behind DNAT and ahead of
SNAT, which is what the policies judge: its source, and the source of its replies.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from ...compiler.ir.interpreter import Packet
from ...compiler.ir.match import Hook
from ...compiler.net import PORT_PROTOCOLS, Family
from .netlink import attribute, attributes

_ORIGINAL, _REPLY, _ID, _ZONE = 1, 2, 12, 18  # linux/netfilter/nfnetlink_conntrack.h
_ADDRESSES, _PROTOCOL = 1, 2
_NUMBER, _SOURCE_PORT, _ICMP6_TYPE = 1, 2, 8
_NESTED = 0x8000
_IPV4, _IPV6 = (1, 2), (3, 4)

Judge = Callable[[Packet, Hook], bool]
"""Tells whether a ruleset lets a packet pass a hook."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An entry: the packet that began it as policies judge it, and what names it to the kernel."""

    packet: Packet
    key: bytes

    @property
    def family(self) -> int:
        """The number of the address family."""
        return socket.AF_INET if self.packet.family is Family.IPV4 else socket.AF_INET6


def read_connection(body: bytes) -> Connection | None:
    """Return the entry of a listing; None for a family that no policy judges."""
    found = attributes(body)
    original, reply = attributes(found[_ORIGINAL]), attributes(found[_REPLY])
    source = _end(original, 0)
    destination = _end(reply, 0)
    if source is None or destination is None:
        return None
    protocol, answered = attributes(original[_PROTOCOL]), attributes(reply[_PROTOCOL])
    number = protocol[_NUMBER][0]
    port = int.from_bytes(answered[_SOURCE_PORT], "big") if number in PORT_PROTOCOLS else None
    packet = Packet(
        source[0],
        source[1],
        destination[1],
        number,
        port,
        protocol.get(_ICMP6_TYPE, b"\xff")[0],
    )
    key = attribute(_ORIGINAL | _NESTED, found[_ORIGINAL]) + attribute(_ID, found[_ID])
    if _ZONE in found:
        key += attribute(_ZONE, found[_ZONE])
    return Connection(packet, key)


def _end(tuple_: Mapping[int, bytes], end: int) -> tuple[Family, int] | None:
    addresses = attributes(tuple_[_ADDRESSES])
    for family, keys in ((Family.IPV4, _IPV4), (Family.IPV6, _IPV6)):
        if keys[end] in addresses:
            return family, int.from_bytes(addresses[keys[end]], "big")
    return None


def denied(judge: Judge, connections: Iterable[Connection]) -> Iterator[Connection]:
    """Yield the connections that a ruleset, as its judge tells, would not let begin."""
    for connection in connections:
        packet = connection.packet
        # What the node itself sends passes neither hook.
        if not is_local(packet.family, packet.saddr):
            hook = Hook.INPUT if is_local(packet.family, packet.daddr) else Hook.FORWARD
            if not judge(packet, hook):
                yield connection


@cache
def is_local(family: Family, address: int) -> bool:
    """Tell whether the address is one of this node's own, by trying to bind to it."""
    kind = socket.AF_INET if family is Family.IPV4 else socket.AF_INET6
    text = socket.inet_ntop(kind, address.to_bytes(family.value // 8, "big"))
    with socket.socket(kind, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((text, 0))
        except OSError as refusal:
            if refusal.errno in {errno.EADDRNOTAVAIL, errno.EINVAL, errno.EACCES}:
                return False
            raise
    return True
