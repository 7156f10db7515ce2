"""Ports whose ranges touch and interleave, and names that mean something else on each pod."""

from __future__ import annotations

from random import Random

from worlds.chance import chance
from worlds.world import Manifest

PROTOCOLS = ("TCP", "UDP", "SCTP")
PORT_NAMES = ("web", "dns", "api", "metrics")
_NUMBERS = (80, 81, 82, 90, 100, 443, 8080, 1, 2, 65534, 65535, 53)


def number(random: Random) -> int:
    """Return a port number of a small vocabulary."""
    return random.choice(_NUMBERS)


def interval(random: Random) -> tuple[int, int]:
    """Return a true interval between two numbers of the vocabulary."""
    start, end = sorted(random.sample(_NUMBERS, 2))
    return start, end


def container_port(random: Random) -> Manifest:
    """Return a container port, mostly with a name and mostly with a protocol."""
    port: Manifest = {"containerPort": number(random)}
    if not chance(random, 0.1):
        port["name"] = random.choice(PORT_NAMES)
    if chance(random, 0.7):
        port["protocol"] = random.choice(PROTOCOLS)
    return port


def protocol_entry(random: Random, *, named: bool) -> Manifest:
    """Return an entry of ``protocols``, the released spelling."""
    if named and chance(random, 0.3):
        return {"destinationNamedPort": random.choice(PORT_NAMES)}
    protocol = random.choice(PROTOCOLS).lower()
    if chance(random, 0.5):
        start, end = interval(random)
        return {protocol: {"destinationPort": {"range": {"start": start, "end": end}}}}
    return {protocol: {"destinationPort": {"number": number(random)}}}


def draft_port(random: Random, *, named: bool) -> Manifest:
    """Return an entry of ``ports`` in a draft ClusterNetworkPolicy or an AdminNetworkPolicy."""
    if named and chance(random, 0.3):
        return {"namedPort": random.choice(PORT_NAMES)}
    protocol = {"protocol": random.choice(PROTOCOLS)} if chance(random, 0.7) else {}
    if chance(random, 0.5):
        start, end = interval(random)
        return {"portRange": {**protocol, "start": start, "end": end}}
    return {"portNumber": {**protocol, "port": number(random)}}


def network_policy_port(random: Random) -> Manifest:
    """Return an entry of a NetworkPolicy's ``ports``; the empty one is any TCP port."""
    entry: Manifest = {"protocol": random.choice(PROTOCOLS)} if chance(random, 0.7) else {}
    if chance(random, 0.3):
        return {**entry, "port": random.choice(PORT_NAMES)}
    if chance(random, 0.15):
        return entry
    if chance(random, 0.5):
        start, end = interval(random)
        return {**entry, "port": start, "endPort": start if chance(random, 0.1) else end}
    return {**entry, "port": number(random)}
