"""Netlink messages as bytes (netlink(7), linux/netlink.h): attributes and headers."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

CONNTRACK, NFTABLES = 1 << 8, 10 << 8  # NFNL_SUBSYS_*, linux/netfilter/nfnetlink.h
REQUEST, ACK, DUMP = 0x1, 0x4, 0x300  # NLM_F_REQUEST, NLM_F_ACK, NLM_F_ROOT | NLM_F_MATCH
_ERROR, _DONE = 2, 3  # NLMSG_ERROR, NLMSG_DONE
_DUMP_INTERRUPTED = 0x10  # NLM_F_DUMP_INTR
_HEAD = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_NETFILTER = struct.Struct("=BBH")  # struct nfgenmsg: family, version, resource
_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
_NESTED = 0x8000


class Interrupted(Exception):  # noqa: N818 - not an error: what was dumped changed meanwhile
    """The listing is inconsistent and has to be asked for again."""


def attribute(kind: int, value: bytes) -> bytes:
    """Return an attribute, padded."""
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """Return an attribute that holds others."""
    return attribute(kind | _NESTED, b"".join(attributes))


def text_attribute(kind: int, text: str) -> bytes:
    """Return an attribute of a string, ended by a zero byte as the kernel wants it."""
    return attribute(kind, text.encode() + b"\0")


def attributes(data: bytes) -> Mapping[int, bytes]:
    """Return the attributes by number; of several with one number, the last."""
    return dict(walk(data))


def walk(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each attribute with its number, which may come more than once."""
    place = 0
    while place + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, place)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _TYPE_MASK, data[place + 4 : place + length]
        place += (length + 3) & ~3


def request(kind: int, family: int, body: bytes, flags: int = 0) -> bytes:
    """Return a message to a netfilter subsystem; ``kind`` holds subsystem and message."""
    payload = _NETFILTER.pack(family, 0, 0) + body
    return _HEAD.pack(_HEAD.size + len(payload), kind, REQUEST | flags, 1, 0) + payload


def answers(data: bytes) -> Iterator[bytes | None]:
    """Yield the attributes of each netfilter message of a datagram, and None at the end.

    Raises OSError with the kernel's error, and Interrupted if the listing is not of one moment.
    """
    place = 0
    while place + _HEAD.size <= len(data):
        length, kind, flags, _, _ = _HEAD.unpack_from(data, place)
        if flags & _DUMP_INTERRUPTED:
            raise Interrupted
        if kind == _ERROR:
            (number,) = struct.unpack_from("=i", data, place + _HEAD.size)
            if number:
                raise OSError(-number, "netlink")
            yield None
        elif kind == _DONE:
            yield None
        else:
            yield data[place + _HEAD.size + _NETFILTER.size : place + length]
        place += (length + 3) & ~3
