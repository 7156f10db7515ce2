"""Addresses, prefixes, ports and protocols as plain integers and closed intervals.

An address is an ``int`` within its family; an interval ``(low, high)`` includes both ends. Lists of
intervals are *normal* when they are sorted, disjoint and not adjacent.
"""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from msgspec import Struct

Interval = tuple[int, int]

MAX_PORT = 65535
_IPV4_MAPPED = 0xFFFF
_ZEROS = re.compile(r"(?<![0-9A-Fa-f])0+(?=[0-9A-Fa-f])")
_LEADING_ZEROS = re.compile(r"(?<![0-9A-Fa-f])0+(?=[0-9]+(\.|$))")
ANY_PORT: tuple[Interval, ...] = ((0, MAX_PORT),)


class Symbol(enum.Enum):
    """An enumeration whose members hash as they compare, by identity: half the time of Enum's.

    To look a member up in its class, or its value in the member, takes ten times as long as a
    global (Python 3.11), so that what is asked for a hundred thousand times has a name of its own.
    """

    __hash__ = object.__hash__


class Family(Symbol):
    """An IP address family; the value is its number of address bits."""

    IPV4 = 32
    IPV6 = 128

    @property
    def max_address(self) -> int:
        """The highest address of the family."""
        return (1 << self.value) - 1


_IPV4, _IPV6 = Family.IPV4, Family.IPV6


class Protocol(enum.IntEnum):
    """IP protocols that rules name (numbers: IANA, protocol-numbers)."""

    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58
    SCTP = 132


PORT_PROTOCOLS = (Protocol.TCP, Protocol.UDP, Protocol.SCTP)


class Prefix(Struct, frozen=True, order=True):
    """A CIDR: its first address and its length in bits."""

    family: Family
    network: int
    length: int

    @property
    def interval(self) -> Interval:
        """The first and the last address of the prefix."""
        return (self.network, self.network | (self.family.max_address >> self.length))

    def __str__(self) -> str:
        return f"{format_address(self.family, self.network)}/{self.length}"


def parse_address(text: str) -> tuple[Family, int]:
    """Return the family and number of an address; ValueError if it is none.

    Strict as the Kubernetes API is (no leading zeros, no zone), by way of inet_pton(3).
    """
    try:
        if ":" in text:
            return _IPV6, int.from_bytes(inet_pton(AF_INET6, text), "big")
        return _IPV4, int.from_bytes(inet_pton(AF_INET, text), "big")
    except (OSError, UnicodeEncodeError, ValueError):
        raise ValueError(f"'{text}' is not an IP address") from None


def parse_status_address(text: str) -> tuple[Family, int]:
    """Return the family and number of a pod's or node's own address; ValueError if it is none.

    The API server takes leading zeros there, and reads them as decimal (ParseIPSloppy of
    k8s.io/utils/net); an IPv4-mapped IPv6 address is the IPv4 address that packets have.
    """
    try:
        family, address = parse_address(text)
    except ValueError:
        plain = _LEADING_ZEROS.sub("", text)
        if plain == text:
            raise
        family, address = parse_address(plain)
    if family is _IPV6 and address >> 32 == _IPV4_MAPPED:
        return _IPV4, address & _IPV4.max_address
    return family, address


def parse_prefix(text: str) -> tuple[Prefix, bool]:
    """Return the prefix of a CIDR and whether host bits had to be masked; ValueError if it is none.

    IPv4-mapped IPv6 is refused, as isCIDR of the Kubernetes CEL library does.
    """
    address_text, slash, length_text = text.partition("/")
    if not slash:
        raise ValueError(f"'{text}' has no prefix length")
    family, address = parse_address(address_text)
    if not (length_text.isascii() and length_text.isdigit()) or int(length_text) > family.value:
        raise ValueError(f"'{length_text}' is not a prefix length of 0 to {family.value}")
    if length_text != str(int(length_text)):
        raise ValueError(f"the prefix length '{length_text}' has leading zeros")
    if family is Family.IPV6 and address >> 32 == _IPV4_MAPPED:
        raise ValueError(f"'{text}' is an IPv4-mapped IPv6 address")
    length = int(length_text)
    network = address & ~(family.max_address >> length)
    return Prefix(family, network, length), network != address


def is_lax_prefix(text: str) -> bool:
    """Tell whether the API server takes a CIDR that ``parse_prefix`` refuses, where it is lax.

    That is in a NetworkPolicy's ipBlock (ParseCIDRSloppy of k8s.io/utils/net): with leading zeros,
    which some programs read as octal, and IPv4-mapped, of which nobody knows the family.
    """
    address, slash, length = _ZEROS.sub("", text).partition("/")
    try:
        family = parse_address(address)[0]
    except ValueError:
        return False
    return bool(slash) and length.isascii() and length.isdigit() and int(length) <= family.value


def parse_interval(text: str) -> Interval:
    """Return the first and last of an address, a CIDR or a range ``low-high``; else ValueError."""
    if "/" in text:
        return parse_prefix(text)[0].interval
    low, dash, high = text.partition("-")
    first = parse_address(low)[1]
    return (first, parse_address(high)[1] if dash else first)


def format_address(family: Family, address: int) -> str:
    """Return the address as RFC 5952 (IPv6) or dotted quad (IPv4) text."""
    if family is Family.IPV4:
        return inet_ntop(AF_INET, address.to_bytes(4, "big"))
    return inet_ntop(AF_INET6, address.to_bytes(16, "big"))


def format_addresses(family: Family, addresses: Iterable[int]) -> list[str]:
    """Return the texts of many addresses, in a third of the time that one by one takes."""
    kind, size = (AF_INET, 4) if family is Family.IPV4 else (AF_INET6, 16)
    return [inet_ntop(kind, address.to_bytes(size, "big")) for address in addresses]


def normalize(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the union of the intervals in normal form."""
    merged: list[Interval] = []
    for low, high in sorted(intervals):
        if merged and low <= merged[-1][1] + 1:
            if high > merged[-1][1]:
                merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return tuple(merged)


def intersect(left: Sequence[Interval], right: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return what two normal lists share, in normal form."""
    result: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            result.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(result)


def subtract(left: Sequence[Interval], right: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return what is in the normal list ``left`` and not in the normal list ``right``."""
    result: list[Interval] = []
    j = 0
    for first, high in left:
        low = first
        while j < len(right) and right[j][1] < low:
            j += 1
        k = j
        while k < len(right) and right[k][0] <= high:
            if low < right[k][0]:
                result.append((low, right[k][0] - 1))
            low = right[k][1] + 1
            k += 1
        if low <= high:
            result.append((low, high))
    return tuple(result)


def contains(intervals: Sequence[Interval], value: int) -> bool:
    """Tell whether a normal list holds the value."""
    index = bisect_right(intervals, value, key=_low) - 1
    return index >= 0 and value <= intervals[index][1]


def _low(interval: Interval) -> int:
    return interval[0]


def prefixes(family: Family, interval: Interval) -> tuple[Prefix, ...]:
    """Return the fewest prefixes that cover exactly the interval, in order."""
    result: list[Prefix] = []
    low, high = interval
    while low <= high:
        free = (low & -low).bit_length() - 1 if low else family.value
        bits = min(free, (high - low + 1).bit_length() - 1)
        result.append(Prefix(family, low, family.value - bits))
        low += 1 << bits
    return tuple(result)
