"""Peers by what they get: a class gets the same of every pod, whatever rules say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .masks import bits
from .peers import Kinds, kinds
from .routes import Route
from .services import Allowed


@dataclass(frozen=True, slots=True)
class PeerClass:
    """``allowed`` is what the peers may use on each route, in the order of routes."""

    peers: Sequence[int]
    allowed: tuple[Allowed, ...]


def classify(routes: Sequence[Route]) -> list[PeerClass]:
    """Return the classes of the peers that are listed, the largest first.

    A peer that gets nothing but what any other address of the same networks gets is in no class.
    """
    found = kinds(
        test.peers for route in routes for test in route.tests() if test.peers is not None
    )
    usual, unusual = _judge(routes, found)
    peers: dict[tuple[tuple[int, Allowed], ...], list[int]] = {}
    for kind, members in enumerate(found.members):
        behaviour = tuple(unusual.get(kind, ()))
        if members and behaviour != tuple(unusual.get(found.strangers[kind], ())):
            peers.setdefault(behaviour, []).extend(members)
    classes = [
        PeerClass(members, _all_routes(usual, behaviour)) for behaviour, members in peers.items()
    ]
    return sorted(classes, key=lambda item: (-len(item.peers), item.allowed))


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
