"""What the tables of iptables-legacy hold, from the kernel without a program.

The layout of what getsockopt returns is the kernel's user interface: linux/netfilter_ipv4/
ip_tables.h and linux/netfilter_ipv6/ip6_tables.h. Listing by iptables-save takes a system call for
each set that a rule names, this takes two in all.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..names import TABLES

_GET_INFO, _GET_ENTRIES = 64, 65  # IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES; IP6T_ has the same
_NAME_BYTES = 32  # XT_TABLE_MAXNAMELEN
_INFO_BYTES = 84  # struct ipt_getinfo; its last two numbers are those of entries and of bytes
_HEAD_BYTES = 40  # struct ipt_get_entries: name, size, padding
_COUNTERS_BYTES = 16  # struct xt_counters
_CHAIN_HEAD = b"ERROR".ljust(30, b"\0")  # struct xt_error_target: name, revision, then the chain's
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class _Family:
    tables: Path
    """What lists the tables there are."""
    domain: int
    level: int
    next_offset: int
    """Where an entry says how long it is."""
    counters: int
    """Where an entry has its counters."""


_FAMILIES = {
    "v4": _Family(Path("/proc/net/ip_tables_names"), socket.AF_INET, 0, 90, 96),
    "v6": _Family(Path("/proc/net/ip6_tables_names"), socket.AF_INET6, 41, 142, 152),
}


def legacy_generation() -> int | None:
    """Return a number that differs after any rule of a table did; None where it is unknown.

    The tables are those in which ours may be. Counters do not matter. It is unknown without such
    tables, and while they change.
    """
    whole = hashlib.blake2b(digest_size=7)
    found = False
    for name, family in _FAMILIES.items():
        for table in legacy_tables(name):
            try:
                whole.update(table.encode() + _without_counters(_entries(family, table), family))
            except OSError:
                return None
            found = True
    return int.from_bytes(whole.digest(), "big") if found else None


def legacy_tables(family: str) -> tuple[str, ...]:
    """Return which of the tables there are in which ours may be; asking for another makes it."""
    path = _FAMILIES[family].tables
    there = path.read_text(encoding="utf-8").split() if path.exists() else []
    return tuple(table for table in TABLES if table in there)


def legacy_has(chains: Iterable[str]) -> bool:
    """Tell whether a table of a family has one of the chains; no table is made."""
    heads = [_CHAIN_HEAD + chain.encode() + b"\0" for chain in chains]
    try:
        tables = (
            _entries(family, table)
            for name, family in _FAMILIES.items()
            for table in legacy_tables(name)
        )
        return any(head in table for table in tables for head in heads)
    except OSError:
        return False


def _entries(family: _Family, table: str) -> bytearray:
    name = table.encode().ljust(_NAME_BYTES, b"\0")
    with socket.socket(family.domain, socket.SOCK_RAW, socket.IPPROTO_RAW) as asked:
        info = _get(asked, family.level, _GET_INFO, name, _INFO_BYTES)
        (size,) = struct.unpack_from("=I", info, _INFO_BYTES - 4)
        wanted = name + struct.pack("=I", size)
        data = _get(asked, family.level, _GET_ENTRIES, wanted, _HEAD_BYTES + size)
    return bytearray(data[_HEAD_BYTES:])


def _without_counters(data: bytearray, family: _Family) -> bytes:
    place = 0
    nothing = bytes(_COUNTERS_BYTES)
    while place < len(data):
        counters = place + family.counters
        data[counters : counters + _COUNTERS_BYTES] = nothing
        (length,) = struct.unpack_from("=H", data, place + family.next_offset)
        place += length or len(data)
    return bytes(data)


def _get(asked: socket.socket, level: int, option: int, wanted: bytes, size: int) -> memoryview:
    """Return what the kernel fills in; Python's own getsockopt takes 1,024 bytes at most."""
    buffer = ctypes.create_string_buffer(size)
    ctypes.memmove(buffer, wanted, len(wanted))
    length = ctypes.c_uint32(size)
    if _LIBC.getsockopt(asked.fileno(), level, option, buffer, ctypes.byref(length)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return memoryview(buffer).cast("B")[: length.value]
