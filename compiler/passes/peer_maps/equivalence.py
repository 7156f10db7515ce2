"""Peers by what they get: a class gets the same of every pod, whatever rules say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from ...bitset import bits
from ...ir.names import STABLE_IDS
from ...ir.program import Keys
from ...net import Interval
from .partition import PeerAtom, PeerAtoms
from .pod_paths import PodPath
from .port_defaults import Allowed

_Behaviour = tuple[tuple[int, Allowed], ...]
"""What an atom may use on the paths where it differs from the majority."""


class PeerClass(Struct, frozen=True):
    """Peers that may use the same services on each path: ``allowed``, in the order of paths.

    The peers are single addresses, in several lists, and all others within some intervals. The
    class takes the stable id of one of its atoms, which no other class has. The id stays while
    that atom does, so that the elements of thousands of peers need no change.
    """

    allowed: tuple[Allowed, ...]
    stable_id: int
    large_set: bool
    """True if it contains the undivided large set."""
    lists: Sequence[Keys]
    intervals: Sequence[Interval]

    @property
    def listed(self) -> int:
        """The number of single addresses."""
        return sum(map(len, self.lists))


class _Group(Struct):
    """The atoms of a class: those with listed peers, and those with networks."""

    listed: list[PeerAtom] = field(default_factory=list)
    networks: list[PeerAtom] = field(default_factory=list)


def classify(paths: Sequence[PodPath], found: PeerAtoms, *, networks: bool) -> list[PeerClass]:
    """Return the classes of listed peers, and of networks if wanted, largest first.

    A listed peer that gets the same as the others of its networks is in no class, nor is a network
    that gets the same as the addresses outside of all networks.
    """
    majority, minority = _judge(paths, found)
    behaviours = [tuple(minority.get(number, ())) for number in range(len(found.atoms))]
    outside = None if found.outside is None else behaviours[found.outside]
    groups: dict[_Behaviour, _Group] = {}
    large_set = None
    if found.large_set is not None:
        large_set = behaviours[found.large_set.atom]
        groups[large_set] = _Group([found.atoms[found.large_set.atom]])
    for atom, behaviour in zip(found.atoms, behaviours, strict=True):
        if atom.keys and behaviour != behaviours[atom.default_atom]:
            groups.setdefault(behaviour, _Group()).listed.append(atom)
        if networks and atom.intervals and behaviour != outside:
            groups.setdefault(behaviour, _Group()).networks.append(atom)
    classes = [
        _class(_all_paths(majority, behaviour), group, large_set=behaviour == large_set)
        for behaviour, group in groups.items()
    ]
    if len({item.stable_id for item in classes}) < len(classes):
        raise AssertionError("two classes of peers have one stable id, and would have one name")
    return sorted(classes, key=_order)


def _class(allowed: tuple[Allowed, ...], group: _Group, *, large_set: bool) -> PeerClass:
    return PeerClass(
        allowed,
        min((*group.listed, *group.networks), key=_rank).stable_id,
        large_set,
        [atom.keys for atom in group.listed if atom.keys],
        [part for atom in group.networks for part in atom.intervals],
    )


def _rank(atom: PeerAtom) -> tuple[int, int]:
    """Return a rank whose least names the class: large atoms are likelier to have it.

    Where an atom comes or goes, or a class is divided, few peers get another name and most keep
    theirs.
    """
    return atom.stable_id * STABLE_IDS // (len(atom.keys) + len(atom.intervals) + 1), atom.stable_id


def _order(item: PeerClass) -> tuple[bool, int, int]:
    """Return the sort key of a class: its size as a power of two, which seldom changes."""
    return not item.large_set, -item.listed.bit_length(), item.stable_id


def _judge(
    paths: Sequence[PodPath], found: PeerAtoms
) -> tuple[Sequence[Allowed], Mapping[int, Sequence[tuple[int, Allowed]]]]:
    """Return what most atoms may use of each path, and for other atoms what differs."""
    majority: list[Allowed] = []
    minority: dict[int, list[tuple[int, Allowed]]] = {}
    for number, path in enumerate(paths):
        groups = sorted(path.judge(found), key=lambda item: -item[0].bit_count())
        majority.append(groups[0][1])
        for mask, allowed in groups[1:]:
            for atom in bits(mask):
                minority.setdefault(atom, []).append((number, allowed))
    return majority, minority


def _all_paths(
    majority: Sequence[Allowed], behaviour: Sequence[tuple[int, Allowed]]
) -> tuple[Allowed, ...]:
    allowed = list(majority)
    for number, item in behaviour:
        allowed[number] = item
    return tuple(allowed)
