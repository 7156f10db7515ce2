"""Sets as text for ``ipset restore``.

A set's name ends in a tag of its contents: the rules of another version keep the sets that they
were made for until the packet filter switches to the new rules, all in one step. The sets are
filled under another name and swapped, so that one that is there is whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec import Struct

from ...compiler.ir.match import KeyType
from ...compiler.ir.program import Set
from ...compiler.net import Family, Interval, Prefix, format_address, normalize, prefixes
from ..text import quotable, room
from .names import OWN_SET

NAME_BYTES = 31
"""The longest name of a set (linux/netfilter/ipset/ip_set.h: IPSET_MAXNAMELEN is 32)."""

_TAG_DIGITS = 7
_SMALLEST_HASH = 64  # ipset(8): the kernel takes no smaller one
_DYNAMIC_ROOM = 65536
_NOTE_BYTES = 255
_MOST_ELEMENTS = 1 << 20  # a dozen seconds to load, and 100 MB of the kernel's memory
_LARGEST_BITMAP = 1 << 16  # bits; linux/netfilter/ipset/ip_set_bitmap.h: IPSET_BITMAP_MAX_RANGE
_BITS = 256
"""How many bits of a bitmap an element may take: 32 bytes, where in a hash it takes about 40.

A look reads one line of memory instead of three and computes no hash. The first packet of a
connection costs 190 ns less in iptables-legacy and 140 ns less in iptables-nft (Linux 6.18)."""

_MANY = 4096
_WORTH = 4  # times fewer prefixes than addresses make up for the look-ups of several lengths
_ZERO = frozenset(("0.0.0.0", "::"))  # noqa: S104 - what hash:ip refuses and hash:net takes
_FAMILY_WORD = {Family.IPV4: "inet", Family.IPV6: "inet6"}
_TUPLE = (KeyType.ADDRESS, KeyType.PROTOCOL, KeyType.PORT)


class IpSet(Struct, frozen=True):
    """A set as the template lays it out; ``aside`` is empty where the contents stay as they are."""

    source: str
    """What the set is called in the IR."""
    name: str
    aside: str
    note: str
    parameters: str
    entries: tuple[str, ...]


def refusal(item: Set) -> str:
    """Return why ipset cannot hold the set, in words; "" if it can."""
    if item.key not in {(KeyType.ADDRESS,), _TUPLE}:
        return f"the set {item.name}, for whose keys kernels have no type of ipset"
    elements = _count(item)
    if elements > _MOST_ELEMENTS:
        return f"the set {item.name}, of {elements:,} elements where each port is one"
    return ""


def ipset(item: Set) -> IpSet:
    """Return the set's text."""
    entries = _addresses(item) if item.key == (KeyType.ADDRESS,) else _services(item)
    note = quotable(item.note, _NOTE_BYTES)
    reach = bitmap_range(item)
    parameters = _bitmap(item.family, reach) if reach else _hash(item, entries)
    if item.dynamic:
        return IpSet(item.name, _fitted(item.name, ""), "", note, parameters, ())
    tag = tag_of("\n".join((parameters, *entries)))
    name, aside = _fitted(item.name, f"-{tag}"), f"{OWN_SET}aside-{tag}"
    return IpSet(item.name, name, aside, note, parameters, entries)


def bitmap_range(item: Set) -> Interval | None:
    """Return the addresses that a bitmap for the set has bits for; None if it is to be a hash."""
    if item.dynamic or item.family is not Family.IPV4 or item.key != (KeyType.ADDRESS,):
        return None
    if not item.elements:
        return None
    first, last = item.elements[0][0][0], item.elements[-1][0][1]  # they are in order
    most = min(_LARGEST_BITMAP, _BITS * len(item.elements))
    return (first, last) if last - first < most else None


def _bitmap(family: Family, reach: Interval) -> str:
    """Return the parameters of a bitmap for the addresses."""
    low, high = (format_address(family, end) for end in reach)
    return f"bitmap:ip range {low}-{high}"


def _hash(item: Set, entries: Sequence[str]) -> str:
    """Return the parameters of a hash for the entries."""
    kind = "hash:net" if any(map(_is_network, entries)) else "hash:ip"
    elements = len(entries)
    if item.key != (KeyType.ADDRESS,):
        kind += ",port"
        elements = _count(item)
    size = _DYNAMIC_ROOM if item.dynamic else room(elements)
    parameters = f"{kind} family {_FAMILY_WORD[item.family]} {_sizes(size)}"
    return f"{parameters} timeout 0" if item.dynamic else parameters


def tag_of(contents: str) -> str:
    """Return what the name of a set tells of its parameters and entries, given one a line."""
    return _digest(contents)[:_TAG_DIGITS]


def _is_network(entry: str) -> bool:
    """Tell whether only the types of ipset that are for networks take the entry."""
    address, _, _ = entry.partition(",")
    return "/" in address or address in _ZERO


def _sizes(elements: int) -> str:
    """Return how many elements there is room for; the kernel stores several in each bucket."""
    return f"hashsize {max(_SMALLEST_HASH, elements // 2)} maxelem {elements}"


def _count(item: Set) -> int:
    """Return how many elements the kernel makes of the set's keys: one for each port."""
    number = 0
    for addresses, *others in item.elements:
        product = len(_halved(item.family, addresses))
        for low, high in others:
            product *= high - low + 1
        number += product
    return number


def _addresses(item: Set) -> tuple[str, ...]:
    """Return the entries of a set of addresses.

    Large sets of neighbours, such as all pods of a cluster, are a fraction as many prefixes: they
    load that much sooner, and cost a look-up for each length of prefix.
    """
    intervals = [addresses for (addresses,) in item.elements]
    if len(intervals) >= _MANY:
        merged = normalize(intervals)
        if _WORTH * sum(len(prefixes(item.family, found)) for found in merged) <= len(intervals):
            intervals = list(merged)
    return tuple(
        _entry(prefix) for interval in intervals for prefix in _halved(item.family, interval)
    )


def _services(item: Set) -> tuple[str, ...]:
    """Return the entries of a set of addresses, protocols and ports.

    Protocols are numbers, whose names ipset would look up in a file for each entry.
    """
    return tuple(
        f"{_entry(prefix)},{protocol}:{_ports(ports)}"
        for addresses, (first, last), ports in item.elements
        for prefix in _halved(item.family, addresses)
        for protocol in range(first, last + 1)
    )


def _halved(family: Family, interval: Interval) -> Sequence[Prefix]:
    """Return the interval's prefixes; of all addresses the halves, as ipset takes no length 0."""
    if interval == (0, family.max_address):
        half = 1 << (family.value - 1)
        return (Prefix(family, 0, 1), Prefix(family, half, 1))
    return prefixes(family, interval)


def _entry(prefix: Prefix) -> str:
    if prefix.length == prefix.family.value:
        return format_address(prefix.family, prefix.network)
    return str(prefix)


def _ports(interval: Interval) -> str:
    low, high = interval
    return str(low) if low == high else f"{low}-{high}"


def _fitted(name: str, tag: str) -> str:
    """Return the set's name; one too long for ipset is cut, and a hash tells it from others."""
    space = NAME_BYTES - len(OWN_SET) - len(tag)
    if len(name) > space:
        mark = _digest(name)[:_TAG_DIGITS]
        name = f"{name[: space - len(mark) - 1]}_{mark}"
    return f"{OWN_SET}{name}{tag}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
