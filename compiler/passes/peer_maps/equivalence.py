"""Peers by what they get: a class gets the same of every pod, whatever rules say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...bitset import bits
from ...ir.names import MARKS
from ...ir.program import Keys
from ...net import Interval
from .partition import Kind, Kinds
from .pod_paths import Route
from .port_defaults import Allowed

_Behaviour = tuple[tuple[int, Allowed], ...]
"""What kinds of peers may use on the routes on which it is not the usual."""


@dataclass(frozen=True, slots=True)
class PeerClass:
    """``allowed`` is what the peers may use on each route, in the order of routes.

    The peers are single addresses, in several lists, and all others within some intervals. The
    mark is that of one of its kinds of peers, of which no other class has any: it stays, with most
    kinds, whatever the peers may use, so that the elements of thousands of peers need no change.
    """

    allowed: tuple[Allowed, ...]
    mark: int
    crowd: bool
    """Whether those whom a very large set tells from others are in it."""
    lists: Sequence[Keys]
    intervals: Sequence[Interval]

    @property
    def listed(self) -> int:
        """The number of single addresses."""
        return sum(map(len, self.lists))


@dataclass(slots=True)
class _Group:
    """The kinds of a class: with their listed peers, and with their networks."""

    listed: list[Kind] = field(default_factory=list)
    networks: list[Kind] = field(default_factory=list)


def classify(routes: Sequence[Route], found: Kinds, *, networks: bool) -> list[PeerClass]:
    """Return the classes of the peers that are listed, and of networks if wanted, largest first.

    A peer that gets nothing but what others of the same networks get is in no class, and neither
    are addresses that get what those outside of all networks get.
    """
    usual, unusual = _judge(routes, found)
    behaviours = [tuple(unusual.get(number, ())) for number in range(len(found.kinds))]
    outside = None if found.outside is None else behaviours[found.outside]
    groups: dict[_Behaviour, _Group] = {}
    crowd = None
    if found.crowd is not None:
        crowd = behaviours[found.crowd.kind]
        groups[crowd] = _Group([found.kinds[found.crowd.kind]])
    for kind, behaviour in zip(found.kinds, behaviours, strict=True):
        if kind.keys and behaviour != behaviours[kind.stranger]:
            groups.setdefault(behaviour, _Group()).listed.append(kind)
        if networks and kind.intervals and behaviour != outside:
            groups.setdefault(behaviour, _Group()).networks.append(kind)
    classes = [
        _class(_all_routes(usual, behaviour), group, crowd=behaviour == crowd)
        for behaviour, group in groups.items()
    ]
    if len({item.mark for item in classes}) < len(classes):
        raise AssertionError("two classes of peers have one mark, and would have one name")
    return sorted(classes, key=_order)


def _class(allowed: tuple[Allowed, ...], group: _Group, *, crowd: bool) -> PeerClass:
    return PeerClass(
        allowed,
        min((*group.listed, *group.networks), key=_rank).mark,
        crowd,
        [kind.keys for kind in group.listed if kind.keys],
        [part for kind in group.networks for part in kind.intervals],
    )


def _rank(kind: Kind) -> tuple[int, int]:
    """Return what is least for the kind that names its class: by chance, as likely as it is large.

    Where a kind comes or goes, and where a class is taken apart, it is the few that get another
    name, and the many that keep theirs.
    """
    return kind.mark * MARKS // (len(kind.keys) + len(kind.intervals) + 1), kind.mark


def _order(item: PeerClass) -> tuple[bool, int, int]:
    """Return the place of a class: not by its very size, which changes with each peer."""
    return not item.crowd, -item.listed.bit_length(), item.mark


def _judge(
    routes: Sequence[Route], found: Kinds
) -> tuple[Sequence[Allowed], Mapping[int, Sequence[tuple[int, Allowed]]]]:
    """Return what most kinds of peers may use of each route, and for other kinds what differs."""
    usual: list[Allowed] = []
    unusual: dict[int, list[tuple[int, Allowed]]] = {}
    for number, route in enumerate(routes):
        groups = sorted(route.judge(found), key=lambda item: -item[0].bit_count())
        usual.append(groups[0][1])
        for mask, allowed in groups[1:]:
            for kind in bits(mask):
                unusual.setdefault(kind, []).append((number, allowed))
    return usual, unusual


def _all_routes(
    usual: Sequence[Allowed], behaviour: Sequence[tuple[int, Allowed]]
) -> tuple[Allowed, ...]:
    allowed = list(usual)
    for number, item in behaviour:
        allowed[number] = item
    return tuple(allowed)
