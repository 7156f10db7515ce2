"""The keys of sets and maps as nft writes them; those that many rulesets share are written once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import assert_never

from msgspec import Struct

from ...compiler.ir.match import Key, KeyType
from ...compiler.ir.program import Keys, Map, Set
from ...compiler.net import Family, Interval, format_address, format_addresses, prefixes
from ..text import PROTOCOL_WORD

_MOST_KEYS = 1_000_000  # 100 MB; twice what a node of 150,000 pods in both families has


class KeyTexts(Struct, frozen=True, gc=False):
    """The texts of keys, and whether each key is a single value."""

    keys: Keys
    texts: tuple[str, ...]
    exact: bool


class KeyWriter:
    """Writes keys, and remembers those of late by their identity."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._known: OrderedDict[int, KeyTexts] = OrderedDict()
        self._size = 0

    def texts(self, keys: Keys, table: Set | Map) -> KeyTexts:
        """Return the texts of keys of the table."""
        known = self._known.get(id(keys))
        if known is not None:  # and so is alive, and no other tuple can have its identity
            self._known.move_to_end(id(keys))
            return known
        made = self._known[id(keys)] = write_keys(keys, table)
        self._size += len(keys)
        while self._size > _MOST_KEYS and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            self._size -= len(oldest.keys)
        return made


def write_keys(keys: Keys, table: Set | Map) -> KeyTexts:
    """Return the texts of keys of the table."""
    if table.key == _ADDRESS:
        single = [low for ((low, high),) in keys if low == high]
        if len(single) == len(keys):
            return KeyTexts(keys, tuple(format_addresses(table.family, single)), exact=True)
    exact = all(low == high for key in keys for low, high in key)
    return KeyTexts(keys, tuple([_text(key, table.key, table.family) for key in keys]), exact)


_ADDRESS = (KeyType.ADDRESS,)


def _text(key: Key, types: Iterable[KeyType], family: Family) -> str:
    return " . ".join(_part(part, kind, family) for part, kind in zip(key, types, strict=True))


def _part(interval: Interval, kind: KeyType, family: Family) -> str:
    low, high = interval
    match kind:
        case KeyType.ADDRESS:
            return addresses_text(interval, family)
        case KeyType.PROTOCOL:
            return f"{low}-{high}" if low != high else PROTOCOL_WORD.get(low, str(low))
        case KeyType.PORT:
            return str(low) if low == high else f"{low}-{high}"
        case _:
            assert_never(kind)


def addresses_text(interval: Interval, family: Family) -> str:
    """Return one address, a prefix where the interval is one, else a range."""
    low, high = interval
    if low == high:
        return format_address(family, low)
    covering = prefixes(family, interval)
    if len(covering) == 1:
        return str(covering[0])
    return f"{format_address(family, low)}-{format_address(family, high)}"
