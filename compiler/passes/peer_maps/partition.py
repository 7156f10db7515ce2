"""Divide peers into atoms: addresses that the same lists and the same networks hold.

A set of pods or nodes lists single addresses, a network covers intervals. Peers in the same lists
and networks are one *atom*, however many they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from ...bitset import bits, mask_of
from ...ir.match import Key
from ...ir.names import STABLE_IDS, digest_number
from ...ir.packet_space import Segments, ends
from ...ir.program import Keys, Set
from ...net import Family, Interval, normalize
from ..cost_model import is_large_set

Addresses = tuple[Interval, ...]

_REMEMBERED = 8192


class ListedAddresses(Struct, frozen=True, eq=False):
    """Single addresses, as the keys of a set in order and as numbers to look up.

    ``stable_id`` is a hash of the set's name, or of the addresses where a rule lists them and
    ``set`` is "". It hashes and compares by identity, as there may be a hundred thousand addresses.
    """

    keys: Keys
    members: frozenset[int]
    stable_id: int
    set: str = ""


@lru_cache(_REMEMBERED)
def addresses_of_set(item: Set) -> ListedAddresses:
    """Return the addresses of a set that lists them: the same object for each node that has it."""
    return ListedAddresses(
        item.elements, _members(item.elements), digest_number(item.name), item.name
    )


class Networks(Struct, frozen=True, eq=False):
    """The addresses of a rule's networks, in normal form; hashes and compares by identity."""

    intervals: Addresses


Peers = ListedAddresses | Networks
"""What a rule tests a peer for."""


def listed_addresses(addresses: Addresses) -> ListedAddresses:
    """Return the single addresses that a rule lists."""
    keys = tuple(zip(addresses))
    return ListedAddresses(keys, _members(keys), _stable_id(addresses))


@lru_cache(_REMEMBERED)
def _stable_id(addresses: Addresses) -> int:
    return digest_number(repr(addresses))


def _members(keys: Keys) -> frozenset[int]:
    return frozenset(address for ((address, _),) in keys)


class PeerAtom(Struct, frozen=True):
    """Peers that nothing tells apart: listed ones, or all others of the same networks.

    ``default_atom`` is the number of the atom of the others. ``stable_id`` is a hash of the lists
    and networks, so that it stays when peers come or go.
    """

    keys: Keys
    intervals: Addresses
    default_atom: int
    stable_id: int


class LargeSet(Struct, frozen=True):
    """A set that is too large to be divided, and the number of the atom of most of its members."""

    atom: int
    set: str


class PeerAtoms(Struct, frozen=True):
    """All atoms by number; a mask has a bit for each."""

    atoms: Sequence[PeerAtom]
    large_set: LargeSet | None
    outside: int | None
    """The atom of the addresses that no list and no network holds, if there are any."""
    masks: Mapping[Peers, int]
    """The atoms that each list and each network holds."""

    @property
    def all(self) -> int:
        """The mask of all atoms."""
        return (1 << len(self.atoms)) - 1


def peer_atoms(peers: Iterable[Peers], family: Family) -> PeerAtoms:
    """Return the atoms of these lists and networks."""
    given = dict.fromkeys(peers)
    distinct = {_value(item): item for item in given}
    found = _atoms(distinct.values(), family)
    return replace(found, masks={item: found.masks[distinct[_value(item)]] for item in given})


def _value(item: Peers) -> int | Addresses:
    """Return what is equal for lists and networks that hold the same: two objects may.

    Which of them are one depends on what earlier nodes had, and no stable id must depend on that.
    """
    return item.stable_id if isinstance(item, ListedAddresses) else item.intervals


def _atoms(distinct: Collection[Peers], family: Family) -> PeerAtoms:
    lists = [item for item in distinct if isinstance(item, ListedAddresses) and item.keys]
    networks = [item for item in distinct if isinstance(item, Networks)]
    line = Segments(cut for item in networks for cut in ends(item.intervals))
    held = _held(line, networks)
    members: dict[tuple[int, int], list[Keys]] = {(0, mask): [] for mask in held}
    large = _large(lists, line)
    large_set_atom = (0, 0)
    if large is not None:
        large_set_atom = 1 << large, held[line.place(lists[large].keys[0][0][0])]
        members[large_set_atom] = []
    for mask, keys in _apart_from(large, lists):
        for piece, part in _by_piece(line, keys):
            members.setdefault((mask, held[piece]), []).append(part)
    numbers = {atom: number for number, atom in enumerate(members)}
    large_set = None if large is None else LargeSet(numbers[large_set_atom], lists[large].set)
    intervals = _intervals(line, held, family)
    masks: dict[Peers, int] = dict.fromkeys(distinct, 0)
    stable_ids = [0] * len(members)
    list_masks = [mask for mask, _ in members]
    network_masks = [network for _, network in members]
    masks.update(_masks(list_masks, lists, [item.stable_id for item in lists], stable_ids))
    network_ids = [_stable_id(item.intervals) for item in networks]
    masks.update(_masks(network_masks, networks, network_ids, stable_ids))
    found = [
        PeerAtom(
            _joined(parts),
            () if mask else intervals[network],
            numbers[large_set_atom if mask & large_set_atom[0] else (0, network)],
            stable_id % STABLE_IDS,
        )
        for ((mask, network), parts), stable_id in zip(members.items(), stable_ids, strict=True)
    ]
    return PeerAtoms(found, large_set, numbers.get((0, 0)), masks)


def _large(lists: Sequence[ListedAddresses], line: Segments) -> int | None:
    """Return the index of the list that stays whole, if one is large enough.

    A network that holds only a part of it would divide it.
    """
    place = max(range(len(lists)), key=lambda each: len(lists[each].keys), default=None)
    if place is None or not lists[place].set or not is_large_set(len(lists[place].keys)):
        return None
    (first,), (last,) = lists[place].keys[0], lists[place].keys[-1]
    return place if line.place(first[0]) == line.place(last[0]) else None


def _apart_from(large: int | None, lists: Sequence[ListedAddresses]) -> Iterable[tuple[int, Keys]]:
    """Return the cells of all lists but the large one, and which of them lie in that."""
    cells = _cells({place: item for place, item in enumerate(lists) if place != large})
    if large is None:
        yield from cells
        return
    bit, members = 1 << large, lists[large].members
    for mask, keys in cells:
        inside = tuple(key for key in keys if key[0][0] in members)
        if len(inside) in {0, len(keys)}:
            yield mask | (bit if inside else 0), keys
        else:
            yield mask | bit, inside
            yield mask, tuple(key for key in keys if key[0][0] not in members)


def _cells(lists: Mapping[int, ListedAddresses]) -> Iterable[tuple[int, Keys]]:
    """Return the listed addresses by the lists that hold them, each list a bit at its place.

    Where lists have nothing in common, which is the most usual, each is taken as it is.
    """
    cells: list[_Cell] = []
    seen: set[int] = set()
    for place, item in sorted(lists.items(), key=lambda each: -len(each[1].keys)):
        rest = item.members
        for cell in () if rest.isdisjoint(seen) else tuple(cells):
            common = rest & cell.members
            if common:
                rest -= common
                cells += cell.split(common, item.keys, 1 << place)
        if rest:
            cells.append(_Cell(1 << place, rest, item.keys))
            seen |= rest
    return ((cell.mask, cell.in_order()) for cell in cells)


class _Cell(Struct):
    """Addresses that the same lists hold; they are among the keys, which may be more."""

    mask: int
    members: frozenset[int]
    keys: Keys

    def split(self, common: frozenset[int], keys: Keys, bit: int) -> Iterable[_Cell]:
        """Add the list of the bit to all members, or part with those that it holds."""
        if len(common) == len(self.members):
            self.mask |= bit
            return ()
        self.members -= common
        return (_Cell(self.mask | bit, common, keys),)

    def in_order(self) -> Keys:
        """Return the members as keys: the very list, if they are all of one."""
        if len(self.members) == len(self.keys):
            return self.keys
        return tuple(key for key in self.keys if key[0][0] in self.members)


def _by_piece(line: Segments, keys: Keys) -> Iterable[tuple[int, Keys]]:
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


def _intervals(line: Segments, held: Sequence[int], family: Family) -> Mapping[int, Addresses]:
    """Return what of the line each combination of networks covers."""
    found: dict[int, list[Interval]] = {}
    for piece, mask in enumerate(held):
        interval = line.interval(piece, family.max_address)
        found.setdefault(mask, []).extend([interval] if interval else [])
    return {mask: normalize(intervals) for mask, intervals in found.items()}


def _held(line: Segments, networks: Sequence[Networks]) -> list[int]:
    """Return, for each piece of the line, the networks that it lies in, each a bit."""
    held = [0] * line.pieces
    for place, item in enumerate(networks):
        for piece in bits(line.mask(item.intervals)):
            held[piece] |= 1 << place
    return held


def _masks(
    holders: Sequence[int],
    items: Sequence[Peers],
    stable_ids_of: Sequence[int],
    stable_ids: list[int],
) -> Iterable[tuple[Peers, int]]:
    """Turn masks of items, one for each atom, into a mask of atoms for each item.

    The stable ids of an atom's items are added to that of the atom.
    """
    atoms_of: list[list[int]] = [[] for _ in items]
    for atom, mask in enumerate(holders):
        for place in bits(mask):
            atoms_of[place].append(atom)
            stable_ids[atom] += stable_ids_of[place]
    return (
        (item, mask_of(found, len(holders))) for item, found in zip(items, atoms_of, strict=True)
    )
