"""Asks the kernel of the network namespace that this process is in, by netlink."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from ..compiler.errors import NodeError
from .netlink import ACK, NFTABLES, answers, attributes, request, text_attribute

INET = 1  # NFPROTO_INET
_NETLINK_NETFILTER = 12  # linux/netlink.h
# NFT_MSG_*, linux/netfilter/nf_tables.h
_GET_TABLE, _GET_CHAIN, _GET_GENERATION = NFTABLES | 1, NFTABLES | 4, NFTABLES | 16
_TABLE, _CHAIN_NAME = 1, 3  # NFTA_TABLE_NAME and NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME
_BUFFER = 1 << 18


def place() -> str:
    """Return what names this boot of this network namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{os.stat('/proc/thread-self/ns/net').st_ino}"  # noqa: PTH116 - not a file


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


def table(name: str) -> bytes:
    """Return what is told of a table of the family inet, nothing where it is not; else as above."""
    return _one(_GET_TABLE, text_attribute(_TABLE, name), INET)


def chain(of: str, name: str, family: int = INET) -> bytes:
    """Return what is told of a chain of a table, nothing where it is not; else as above."""
    return _one(_GET_CHAIN, text_attribute(_TABLE, of) + text_attribute(_CHAIN_NAME, name), family)


def exists(find: Callable[[], bytes]) -> bool:
    """Tell whether anything is found, which is not so where the kernel cannot be asked."""
    try:
        return bool(find())
    except (NodeError, OSError):
        return False


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
