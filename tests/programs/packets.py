"""Packets with values at the edges that Programs are drawn from."""

from __future__ import annotations

from random import Random

from cnpc.compiler.ir.interpreter import Packet
from cnpc.compiler.ir.match import State
from cnpc.compiler.net import PORT_PROTOCOLS, Family, Protocol

from programs.generate import ANY_SHAPE, Shape
from programs.values import PORTS, TYPES


def packets(seed: int, number: int, shape: Shape = ANY_SHAPE) -> list[Packet]:
    """Return random packets, most of them new."""
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    return [_packet(random, shape) for _ in range(number)]


def _packet(random: Random, shape: Shape) -> Packet:
    family = random.choice(tuple(Family))
    protocol = random.choice((*PORT_PROTOCOLS, 0, 47, 255, _icmp(family)))
    return Packet(
        family,
        random.choice(shape.addresses[family]),
        random.choice(shape.addresses[family]),
        protocol,
        random.choice((*PORTS, 500, None)) if protocol in PORT_PROTOCOLS else None,
        random.choice(TYPES) if protocol == Protocol.ICMPV6 else -1,
        random.choice((State.NEW, State.NEW, *State)),
    )


def _icmp(family: Family) -> Protocol:
    return Protocol.ICMP if family is Family.IPV4 else Protocol.ICMPV6
