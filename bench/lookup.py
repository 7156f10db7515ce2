"""What a packet costs under each ruleset: new connections, and those that are established."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address
from random import Random
from statistics import median

from clusters import SEED, OpenTo, Shape, address, shape_policies
from forwarding import ACK, SYN, Connection, Router, overhead

_HEAD = """\
table inet {name} {{
	{maps}
	chain allowed {{
		return
	}}
	chain unusual {{
		ct state invalid drop
	}}
	chain forward {{
		type filter hook forward priority -5; policy accept;
		ct state established accept
		ct state invalid,related,untracked jump unusual
		{rules}
	}}
}}
"""

EMPTY = "empty"
TWO_MAPS = "two look-ups"
PLAIN = "no table"
_PER_FLOW = 4  # packets of an established connection


def empty_ruleset() -> str:
    """Return a table with the states' rules alone: the least that a stateful filter costs."""
    return _HEAD.format(name="floor", maps="", rules="")


def two_maps_ruleset(connections: Sequence[Connection]) -> str:
    """Return the states' rules and a verdict map for each end: the least that dispatches."""
    sources = sorted({item.source for item in connections})
    destinations = sorted({item.destination for item in connections})
    maps = _map("sources", sources) + _map("destinations", destinations)
    rules = "ip saddr vmap @sources\n\t\tip daddr vmap @destinations"
    return _HEAD.format(name="floor", maps=maps, rules=rules)


def linear_ruleset(rules: int) -> str:
    """Return the states' rules and so many that test an address and never match."""
    lines = (
        f"ip saddr {IPv4Address(0xC6120000 + number)} tcp dport 1 drop" for number in range(rules)
    )
    return _HEAD.format(name="floor", maps="", rules="\n\t\t".join(lines))


def _map(name: str, addresses: Sequence[IPv4Address]) -> str:
    elements = ", ".join(f"{item} : jump allowed" for item in addresses)
    return (
        f"map {name} {{\n\t\ttype ipv4_addr : verdict; size {2 * len(addresses)};\n"
        f"\t\telements = {{ {elements} }}\n\t}}\n\t"
    )


def allowed(shape: Shape, count: int) -> list[Connection]:
    """Return so many connections that a policy allows, from pods elsewhere to those of the node."""
    random = Random(SEED)  # noqa: S311 - a workload, not a secret
    by_group: dict[int, list[OpenTo]] = {}
    for group, rules in shape_policies(shape):
        by_group.setdefault(group, []).extend(rules)
    found: dict[Connection, None] = {}
    while len(found) < count:
        local = random.randrange(shape.local)
        rule = random.choice(by_group[local % shape.groups])
        everyone = range(rule.peers, shape.pods, shape.classes)
        peer = random.choice([number for number in everyone if number >= shape.local])
        ends = IPv4Address(address(peer)), IPv4Address(address(local))
        found[Connection(*ends, random.randrange(1024, 65536), random.choice(rule.ports))] = None
    return list(found)


@dataclass(frozen=True, slots=True)
class Variant:
    """A ruleset, and connections that it allows."""

    ruleset: str
    connections: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """Nanoseconds of a packet, the medians over rounds."""

    new: Mapping[str, float]
    established: Mapping[str, float]


def compare(variants: Mapping[str, Variant], rounds: int) -> Result:
    """Return what packets of the connections cost under each ruleset, measured turn by turn.

    AssertionError if a ruleset does not let every packet pass: the connections are allowed ones.
    """
    new: dict[str, list[float]] = {name: [] for name in variants}
    established: dict[str, list[float]] = {name: [] for name in variants}
    with ExitStack() as stack:
        lanes = {
            name: _Lane(stack.enter_context(Router(variant.ruleset)), variant.connections)
            for name, variant in variants.items()
        }
        for turn in range(rounds + 1):
            for name, lane in lanes.items():
                first, later = lane.turn(name)
                if turn:  # the first one fills caches
                    new[name].append(first)
                    established[name].append(later)
    return Result(
        {name: median(values) for name, values in new.items()},
        {name: median(values) for name, values in established.items()},
    )


class _Lane:
    """A router with the packets that it is to forward."""

    def __init__(self, router: Router, connections: Sequence[Connection]) -> None:
        self._router = router
        self._opening = [item.packet(SYN) for item in connections]
        self._answers = [item.answer() for item in connections]
        self._later = [item.packet(ACK) for item in connections] * _PER_FLOW

    def turn(self, name: str) -> tuple[float, float]:
        """Return the nanoseconds of a packet that opens a connection, and of a later one."""
        router = self._router
        router.forget()
        before = router.forwarded()
        first = router.forward(self._opening) - overhead(self._opening)
        router.forward(self._answers)
        later = router.forward(self._later) - overhead(self._later)
        passed = router.forwarded() - before
        expected = len(self._opening) + len(self._answers) + len(self._later)
        assert passed == expected, f"{name}: {passed} of {expected} packets"
        return first, later
