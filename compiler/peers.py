"""The peers that a family of rules tells apart: addresses that the same sets and networks hold.

A set of pods or nodes lists single addresses, a network covers intervals. Peers that are in the
same sets and the same networks are one *kind*, whatever their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .masks import bits, mask_of
from .net import Interval
from .space import Line, ends, is_exact

Addresses = tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Kinds:
    """All kinds of peers, numbered; a mask has a bit for each.

    ``members`` are the addresses of a kind, in no order. ``strangers`` gives, for each kind, the
    kind of the addresses that no list holds and that lie in the same networks.
    """

    members: Sequence[Sequence[int]]
    strangers: Sequence[int]
    masks: Mapping[int, int]
    """For each list of addresses, by its identity, the kinds that it holds."""

    @property
    def all(self) -> int:
        """The mask of all kinds."""
        return (1 << len(self.members)) - 1


def kinds(lists: Iterable[Addresses]) -> Kinds:
    """Return the kinds of peers that these lists of addresses tell apart."""
    distinct = {id(item): item for item in lists}.values()
    exact = [item for item in distinct if is_exact(item)]
    listed = {id(item) for item in exact}
    networks = [item for item in distinct if id(item) not in listed]
    line = Line(cut for item in networks for cut in ends(item))
    held = _held(line, networks)
    members: dict[tuple[int, int], list[int]] = {(0, network): [] for network in held}
    for sets, addresses in _group(exact):
        if networks:
            for address in addresses:
                members.setdefault((sets, held[line.place(address)]), []).append(address)
        else:
            members[sets, 0] = addresses
    numbers = {kind: number for number, kind in enumerate(members)}
    strangers = [numbers[0, network] for _, network in members]
    by_set = _masks((sets for sets, _ in members), len(exact))
    by_network = _masks((network for _, network in members), len(networks))
    masks = {id(item): mask for item, mask in zip(exact, by_set, strict=True)}
    masks |= {id(item): mask for item, mask in zip(networks, by_network, strict=True)}
    return Kinds(list(members.values()), strangers, masks)


def _group(lists: Sequence[Addresses]) -> Iterable[tuple[int, list[int]]]:
    """Return the addresses by the lists that hold them, each list a bit."""
    group_of: dict[int, int] = {}
    held = [0]
    for place, addresses in enumerate(lists):
        moved: dict[int, int] = {}
        for address, _ in addresses:
            old = group_of.get(address, 0)
            new = moved.get(old)
            if new is None:
                new = moved[old] = len(held)
                held.append(held[old] | 1 << place)
            group_of[address] = new
    groups: dict[int, list[int]] = {}
    for address, group in group_of.items():
        groups.setdefault(group, []).append(address)
    return ((held[group], addresses) for group, addresses in groups.items())


def _held(line: Line, networks: Sequence[Addresses]) -> list[int]:
    """Return, for each piece of the line, the networks that it lies in, each a bit."""
    held = [0] * line.pieces
    for place, item in enumerate(networks):
        for piece in bits(line.mask(item)):
            held[piece] |= 1 << place
    return held


def _masks(holders: Iterable[int], total: int) -> list[int]:
    """Turn masks of lists, one for each kind, into masks of kinds, one for each list."""
    kinds_of: list[list[int]] = [[] for _ in range(total)]
    last = 0
    for last, mask in enumerate(holders):
        for place in bits(mask):
            kinds_of[place].append(last)
    return [mask_of(found, last + 1) for found in kinds_of]
