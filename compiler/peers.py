"""The peers that a family of rules tells apart: addresses that the same lists and networks hold.

A set of pods or nodes lists single addresses, a network covers intervals. Peers that are in the
same lists and the same networks are one *kind*, whatever their number.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from .ir import Key, Keys, Set
from .masks import bits, mask_of
from .net import Family, Interval, normalize
from .space import Line, ends

Addresses = tuple[Interval, ...]

_REMEMBERED = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Single addresses, as the keys of a set in order and as numbers to look up."""

    keys: Keys
    members: frozenset[int]


@lru_cache(_REMEMBERED)
def listed_by(item: Set) -> Listed:
    """Return the addresses of a set that lists them: the same object for each node that has it."""
    return listed(item.elements)


def listed(keys: Keys) -> Listed:
    """Return the addresses of keys that are one address each."""
    return Listed(keys, frozenset(address for ((address, _),) in keys))


@dataclass(frozen=True, slots=True)
class Kind:
    """Peers that nothing tells apart: listed ones, or all others of the same networks.

    ``stranger`` is the number of the kind of the others.
    """

    keys: Keys
    intervals: Addresses
    stranger: int


@dataclass(frozen=True, slots=True)
class Kinds:
    """All kinds of peers, by number; a mask has a bit for each."""

    kinds: Sequence[Kind]
    outside: int | None
    """The kind of the addresses that neither a list nor a network holds, if there are any."""
    masks: Mapping[int, int]
    """For each list and each network, by its identity, the kinds that it holds."""

    @property
    def all(self) -> int:
        """The mask of all kinds."""
        return (1 << len(self.kinds)) - 1


def kinds(peers: Iterable[Listed | Addresses], family: Family) -> Kinds:
    """Return the kinds of peers that these lists and networks tell apart."""
    distinct = {id(item): item for item in peers}.values()
    lists = [item for item in distinct if isinstance(item, Listed) and item.keys]
    networks = [item for item in distinct if not isinstance(item, Listed)]
    line = Line(cut for item in networks for cut in ends(item))
    held = _held(line, networks)
    members: dict[tuple[int, int], list[Keys]] = {(0, mask): [] for mask in held}
    for mask, keys in _cells(lists):
        for piece, part in _by_piece(line, keys):
            members.setdefault((mask, held[piece]), []).append(part)
    numbers = {kind: number for number, kind in enumerate(members)}
    intervals = _intervals(line, held, family)
    found = [
        Kind(_joined(parts), () if mask else intervals[network], numbers[0, network])
        for (mask, network), parts in members.items()
    ]
    masks = {id(item): 0 for item in distinct}
    masks.update(_masks((mask for mask, _ in members), lists))
    masks.update(_masks((network for _, network in members), networks))
    return Kinds(found, numbers.get((0, 0)), masks)


def _cells(lists: Sequence[Listed]) -> Iterable[tuple[int, Keys]]:
    """Return the listed addresses by the lists that hold them, each list a bit.

    Where lists have nothing in common, which is the most usual, each is taken as it is.
    """
    cell_of: dict[int, int] = {}
    masks: list[int] = []
    origins: list[Keys] = []
    sizes: list[int] = []

    def cell(mask: int, keys: Keys, members: Iterable[int]) -> None:
        cell_of.update(dict.fromkeys(members, len(masks)))
        masks.append(mask)
        origins.append(keys)
        sizes.append(len(keys))

    for number, item in sorted(enumerate(lists), key=lambda each: -len(each[1].keys)):
        if cell_of.keys().isdisjoint(item.members):
            cell(1 << number, item.keys, item.members)
            continue
        for home, keys in _by_cell(item.keys, cell_of):
            if home is not None and len(keys) == sizes[home]:
                masks[home] |= 1 << number
            else:
                if home is not None:
                    sizes[home] -= len(keys)
                mask = 1 << number | (masks[home] if home is not None else 0)
                cell(mask, tuple(keys), map(_address_of, keys))
    for number, (mask, keys) in enumerate(zip(masks, origins, strict=True)):
        if sizes[number] == len(keys):
            yield mask, keys
        elif sizes[number]:
            yield mask, tuple(key for key in keys if cell_of[key[0][0]] == number)


def _by_cell(keys: Keys, cell_of: Mapping[int, int]) -> Iterable[tuple[int | None, Sequence[Key]]]:
    found: dict[int | None, list[Key]] = {}
    for key in keys:
        found.setdefault(cell_of.get(key[0][0]), []).append(key)
    return found.items()


def _by_piece(line: Line, keys: Keys) -> Iterable[tuple[int, Keys]]:
    """Yield the keys by the piece of the line that they lie in; nearly always it is one."""
    first, last = line.place(keys[0][0][0]), line.place(keys[-1][0][0])
    if first == last:
        yield first, keys
        return
    cuts = (
        bisect_left(keys, line.start(piece), key=_address_of)
        for piece in range(first + 1, last + 1)
    )
    for piece, (low, high) in enumerate(pairwise((0, *cuts, len(keys))), start=first):
        if low < high:
            yield piece, keys[low:high]


def _address_of(key: Key) -> int:
    return key[0][0]


def _joined(parts: Sequence[Keys]) -> Keys:
    if len(parts) == 1:
        return parts[0]
    return tuple(sorted(key for part in parts for key in part))


def _intervals(line: Line, held: Sequence[int], family: Family) -> Mapping[int, Addresses]:
    """Return what of the line each combination of networks covers."""
    found: dict[int, list[Interval]] = {}
    for piece, mask in enumerate(held):
        interval = line.interval(piece, family.max_address)
        found.setdefault(mask, []).extend([interval] if interval else [])
    return {mask: normalize(intervals) for mask, intervals in found.items()}


def _held(line: Line, networks: Sequence[Addresses]) -> list[int]:
    """Return, for each piece of the line, the networks that it lies in, each a bit."""
    held = [0] * line.pieces
    for place, item in enumerate(networks):
        for piece in bits(line.mask(item)):
            held[piece] |= 1 << place
    return held


def _masks(holders: Iterable[int], items: Sequence[object]) -> Iterable[tuple[int, int]]:
    """Turn masks of items, one for each kind, into a mask of kinds for each item's identity."""
    kinds_of: list[list[int]] = [[] for _ in items]
    last = 0
    for last, mask in enumerate(holders):
        for place in bits(mask):
            kinds_of[place].append(last)
    return (
        (id(item), mask_of(found, last + 1)) for item, found in zip(items, kinds_of, strict=True)
    )
