"""Sets as text for ``ipset restore``.

A set's name ends in a tag of its contents: the rules of another version keep the sets that they
were made for until the packet filter switches to the new rules, all in one step. The sets are
filled under another name and swapped, so that one that is there is whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..compiler.ir import Key, KeyType, Set
from ..compiler.net import Family, Interval, Prefix, Protocol, format_address, prefixes
from .text import PROTOCOL_WORD, room

NAME_BYTES = 31
"""The longest name of a set (linux/netfilter/ipset/ip_set.h: IPSET_MAXNAMELEN is 32)."""

_PREFIX = "cnpc-"
_TAG_DIGITS = 7
_SMALLEST_HASH = 64  # ipset(8): the kernel takes no smaller one
_DYNAMIC_ROOM = 65536
_FAMILY_WORD = {Family.IPV4: "inet", Family.IPV6: "inet6"}
_TUPLE = (KeyType.ADDRESS, KeyType.PROTOCOL, KeyType.PORT)


@dataclass(frozen=True, slots=True)
class IpSet:
    """A set as the template lays it out; ``aside`` is empty where the contents stay as they are."""

    source: str
    """What the set is called in the IR."""
    name: str
    aside: str
    note: str
    parameters: str
    entries: tuple[str, ...] = field(repr=False)


def expressible(item: Set) -> bool:
    """Tell whether there is a type of ipset for the key that common kernels have."""
    return item.key in {(KeyType.ADDRESS,), _TUPLE}


def ipset(item: Set) -> IpSet:
    """Return the set's text."""
    plain = all(low == high for low, high in (key[0] for key in item.elements))
    kind = ("hash:ip" if plain else "hash:net") + (
        "" if item.key == (KeyType.ADDRESS,) else ",port"
    )
    if item.dynamic:
        parameters = f"{kind} family {_FAMILY_WORD[item.family]} {_sizes(_DYNAMIC_ROOM)} timeout 0"
        return IpSet(item.name, _fitted(item.name, ""), "", item.note, parameters, ())
    entries = tuple(entry for key in item.elements for entry in _entries(key, item.family))
    number = sum(map(_elements, item.elements)) if item.key == _TUPLE else len(entries)
    parameters = f"{kind} family {_FAMILY_WORD[item.family]} {_sizes(room(number))}"
    tag = _digest("\n".join((parameters, *entries)))[:_TAG_DIGITS]
    name, aside = _fitted(item.name, f"-{tag}"), f"{_PREFIX}aside-{tag}"
    return IpSet(item.name, name, aside, item.note, parameters, entries)


def _sizes(elements: int) -> str:
    """Return how many elements there is room for; a bucket for each keeps the look-up short."""
    return f"hashsize {max(_SMALLEST_HASH, elements // 2)} maxelem {elements}"


def _elements(key: Key) -> int:
    """Return how many elements the kernel makes of an address, protocols and ports."""
    _, *others = key
    number = 1
    for low, high in others:
        number *= high - low + 1
    return number


def _entries(key: Key, family: Family) -> list[str]:
    addresses = [_entry(prefix) for prefix in _halved(family, key[0])]
    if len(key) == 1:
        return addresses
    protocols, ports = key[1:]
    return [
        f"{address},{PROTOCOL_WORD[Protocol(protocol)]}:{_ports(ports)}"
        for address in addresses
        for protocol in range(protocols[0], protocols[1] + 1)
    ]


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
    space = NAME_BYTES - len(_PREFIX) - len(tag)
    if len(name) > space:
        mark = _digest(name)[:_TAG_DIGITS]
        name = f"{name[: space - len(mark) - 1]}_{mark}"
    return f"{_PREFIX}{name}{tag}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
