"""Peers by what they get: a class gets the same of every pod, whatever rules say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .ir import Keys
from .masks import bits
from .net import Interval
from .peers import Kinds
from .routes import Route
from .services import Allowed


@dataclass(frozen=True, slots=True)
class PeerClass:
    """``allowed`` is what the peers may use on each route, in the order of routes.

    The peers are single addresses, in several lists, and all others within some intervals.
    """

    allowed: tuple[Allowed, ...]
    crowd: bool = False
    """Whether those whom a very large set tells from others are in it."""
    lists: list[Keys] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)

    @property
    def listed(self) -> int:
        """The number of single addresses."""
        return sum(map(len, self.lists))


def classify(routes: Sequence[Route], found: Kinds, *, networks: bool) -> list[PeerClass]:
    """Return the classes of the peers that are listed, and of networks if wanted, largest first.

    A peer that gets nothing but what others of the same networks get is in no class, and neither
    are addresses that get what those outside of all networks get.
    """
    usual, unusual = _judge(routes, found)
    behaviours = [tuple(unusual.get(number, ())) for number in range(len(found.kinds))]
    outside = None if found.outside is None else behaviours[found.outside]
    classes: dict[tuple[tuple[int, Allowed], ...], PeerClass] = {}

    crowd = None if found.crowd is None else behaviours[found.crowd.kind]

    def class_of(behaviour: tuple[tuple[int, Allowed], ...]) -> PeerClass:
        if behaviour not in classes:
            allowed = _all_routes(usual, behaviour)
            classes[behaviour] = PeerClass(allowed, crowd=behaviour == crowd)
        return classes[behaviour]

    if crowd is not None:
        class_of(crowd)
    for kind, behaviour in zip(found.kinds, behaviours, strict=True):
        if kind.keys and behaviour != behaviours[kind.stranger]:
            class_of(behaviour).lists.append(kind.keys)
        if networks and kind.intervals and behaviour != outside:
            class_of(behaviour).intervals.extend(kind.intervals)
    return sorted(classes.values(), key=lambda item: (not item.crowd, -item.listed, item.allowed))


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
