"""Asks the kernel of the network namespace that this process is in, by netlink."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from ..compiler.errors import NodeError
from .netlink import ACK, NFTABLES, answers, attributes, request

INET = 1  # NFPROTO_INET
_NETLINK_NETFILTER = 12  # linux/netlink.h
_GET_GENERATION = NFTABLES | 16  # NFT_MSG_GETGEN, linux/netfilter/nf_tables.h
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


def one(message: int, body: bytes, family: int = INET) -> bytes:
    """Return the one answer, or nothing where there is no such object; else as above."""
    try:
        return next(iter(ask(message, body, family=family)), b"")
    except FileNotFoundError:
        return b""


def exists(message: int, body: bytes, family: int = INET) -> bool:
    """Tell whether there is such an object, which a kernel that cannot be asked does not have."""
    try:
        return bool(one(message, body, family))
    except (NodeError, OSError):
        return False


def _open_netlink() -> socket.socket:
    try:
        return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    except OSError as refusal:
        raise NodeError(f"the kernel has no netfilter netlink: {refusal.strerror}") from None
