"""Netlink messages (netlink(7)), and requests to nfnetlink."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from ...compiler.errors import NodeError
from .boot_clock import boot_id

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
    netns_id = 0
    while netns_id + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, netns_id)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _TYPE_MASK, data[netns_id + 4 : netns_id + length]
        netns_id += (length + 3) & ~3


def request(kind: int, family: int, body: bytes, flags: int = 0) -> bytes:
    """Return a message to a netfilter subsystem; ``kind`` holds subsystem and message."""
    payload = _NETFILTER.pack(family, 0, 0) + body
    return _HEAD.pack(_HEAD.size + len(payload), kind, REQUEST | flags, 1, 0) + payload


def answers(data: bytes) -> Iterator[bytes | None]:
    """Yield the attributes of each netfilter message of a datagram, and None at the end.

    Raises OSError with the kernel's error, and Interrupted if the listing is not of one moment.
    """
    netns_id = 0
    while netns_id + _HEAD.size <= len(data):
        length, kind, flags, _, _ = _HEAD.unpack_from(data, netns_id)
        if flags & _DUMP_INTERRUPTED:
            raise Interrupted
        if kind == _ERROR:
            (number,) = struct.unpack_from("=i", data, netns_id + _HEAD.size)
            if number:
                raise OSError(-number, "netlink")
            yield None
        elif kind == _DONE:
            yield None
        else:
            yield data[netns_id + _HEAD.size + _NETFILTER.size : netns_id + length]
        netns_id += (length + 3) & ~3


INET = 1  # NFPROTO_INET
_NETLINK_NETFILTER = 12  # linux/netlink.h
_NETNS_COOKIE = 71  # SO_NETNS_COOKIE, asm-generic/socket.h
# NFT_MSG_*, linux/netfilter/nf_tables.h
_GET_TABLE, _GET_CHAIN, _GET_RULE, _GET_GENERATION = (NFTABLES | kind for kind in (1, 4, 7, 16))
_TABLE, _CHAIN_NAME = 1, 3  # NFTA_TABLE_NAME and NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME
_BUFFER = 1 << 18
_TRIES = 20
_NO_NFTABLES = {errno.EINVAL, errno.EOPNOTSUPP, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}
_Listed = TypeVar("_Listed")


def netns_id() -> str:
    """Return what names this boot of this network namespace.

    The inode of a namespace is used again for a later one, its cookie (Linux 5.14) is not.
    """
    inode = os.stat("/proc/thread-self/ns/net").st_ino  # noqa: PTH116 - not a file
    return f"{boot_id()}/{inode}/{_cookie()}"


def _cookie() -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inside:
        try:
            value = inside.getsockopt(socket.SOL_SOCKET, _NETNS_COOKIE, 8)
        except OSError:
            return 0
    return int.from_bytes(value, sys.byteorder)


def generation() -> int:
    """Return the number that every commit in this namespace, whoever's, makes larger."""
    (body,) = ask(_GET_GENERATION, b"", family=0)
    return int.from_bytes(attributes(body)[1], "big")


def ask(message: int, body: bytes, flags: int = ACK, family: int = INET) -> list[bytes]:
    """Return all answers; OSError with the kernel's error, NodeError without such a kernel."""
    found: list[bytes] = []
    with _open_netlink() as netlink:
        netlink.send(request(message, family, body, flags))
        while True:
            for answer in answers(netlink.recv(_BUFFER)):
                if answer is None:
                    return found
                found.append(answer)


def table(name: str, family: int = INET) -> bytes:
    """Return what is told of a table, nothing where it is not; else as above."""
    return _one(_GET_TABLE, text_attribute(_TABLE, name), family)


def chain(of: str, name: str, family: int = INET) -> bytes:
    """Return what is told of a chain of a table, nothing where it is not; else as above."""
    return _one(_GET_CHAIN, text_attribute(_TABLE, of) + text_attribute(_CHAIN_NAME, name), family)


def exists(find: Callable[[], bytes]) -> bool:
    """Tell whether anything is found, which is not so where the kernel has no nf_tables.

    NodeError where it has, and refuses to tell.
    """
    try:
        return bool(find())
    except OSError as refusal:
        if refusal.errno in _NO_NFTABLES:
            return False
        why = os.strerror(refusal.errno or 0)
        raise NodeError(f"the kernel refuses to show its rules ({why})") from None


def rules(of: str, family: int) -> Iterator[Mapping[int, bytes]]:
    """Yield the attributes of each rule of a table in order; Interrupted where they change."""
    return map(attributes, ask(_GET_RULE, text_attribute(_TABLE, of), DUMP, family))


def chains(of: str, family: int) -> list[str]:
    """Return the names of a table's chains; Interrupted where they change."""
    found = map(attributes, ask(_GET_CHAIN, text_attribute(_TABLE, of), DUMP, family))
    mine = of.encode() + b"\0"  # the kernel lists those of all tables
    return [name_in(chain[_CHAIN_NAME]) for chain in found if chain[_TABLE] == mine]


def name_in(value: bytes) -> str:
    """Return a name as the kernel tells it; bytes that are not UTF-8 become surrogates."""
    return value.rstrip(b"\0").decode(errors="surrogateescape")


def calmly(listing: Callable[[], _Listed]) -> _Listed | None:
    """Return what is listed at a moment in which nobody commits; None if there is no such one."""
    for _ in range(_TRIES):
        with contextlib.suppress(Interrupted):
            return listing()
    return None


def _one(message: int, body: bytes, family: int) -> bytes:
    try:
        return next(iter(ask(message, body, family=family)), b"")
    except FileNotFoundError:
        return b""


def _open_netlink() -> socket.socket:
    try:
        return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    except OSError as refusal:
        raise NodeError(f"the kernel has no netfilter netlink: {refusal.strerror}") from None
