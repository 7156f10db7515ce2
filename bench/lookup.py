"""What a packet costs under each ruleset: new connections, and those that are established."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address
from operator import attrgetter
from random import Random
from statistics import median

from clusters.naming import SEED, address
from clusters.one_node import OpenTo, Shape, shape_policies
from forwarding import ACK, SYN, Connection, Router, overhead
from side_by_side import Switch

_HEAD = """\
table inet cnpc {{
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
IN_FILTER = "in filter"
REJECTING = "rejecting"
_PER_FLOW = 2  # packets of an established connection


def empty_ruleset() -> str:
    """Return a table with the states' rules alone: the least that a stateful filter costs."""
    return _HEAD.format(maps="", rules="")


def two_maps_ruleset(connections: Sequence[Connection]) -> str:
    """Return the states' rules and a verdict map for each end: the least that dispatches."""
    sources = sorted({item.source for item in connections})
    destinations = sorted({item.destination for item in connections})
    maps = _map("sources", sources) + _map("destinations", destinations)
    rules = "ip saddr vmap @sources\n\t\tip daddr vmap @destinations"
    return _HEAD.format(maps=maps, rules=rules)


def linear_ruleset(rules: int) -> str:
    """Return the states' rules and so many that test an address and never match."""
    lines = (
        f"ip saddr {IPv4Address(0xC6120000 + number)} tcp dport 1 drop" for number in range(rules)
    )
    return _HEAD.format(maps="", rules="\n\t\t".join(lines))


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
class Lane:
    """Connections, and rulesets by name that all allow them; one is called ``EMPTY``."""

    connections: tuple[Connection, ...]
    rulesets: Mapping[str, Switch]


@dataclass(frozen=True, slots=True)
class Result:
    """Nanoseconds of a packet by ruleset, the medians over rounds.

    ``above`` and ``ratio`` compare a new connection with one of the same round under the empty
    ruleset, which a machine that is busy for seconds slows alike.
    """

    new: Mapping[str, float]
    established: Mapping[str, float]
    above: Mapping[str, float]
    ratio: Mapping[str, float]


def joined(results: Sequence[Result]) -> Result:
    """Return the results of several lanes as one; the first counts where two have a ruleset."""
    return Result(
        *(
            dict(ChainMap(*map(dict, map(attrgetter(name), results))))
            for name in ("new", "established", "above", "ratio")
        )
    )


def compare(lanes: Mapping[str, Lane], rounds: int) -> Mapping[str, Result]:
    """Return what packets of the connections cost under each ruleset, measured turn by turn.

    AssertionError if a ruleset does not let every packet pass: the connections are allowed ones.
    """
    with ExitStack() as stack:
        runs = {
            name: _Run(stack.enter_context(Router(lane.rulesets)), lane)
            for name, lane in lanes.items()
        }
        for turn in range(rounds + 1):
            for run in runs.values():
                run.round(counts=turn > 0)  # the first one fills caches
    return {name: run.result() for name, run in runs.items()}


class _Run:
    """A router with the packets that it is to forward, and what they took."""

    def __init__(self, router: Router, lane: Lane) -> None:
        self._router = router
        self._names = tuple(lane.rulesets)
        self._opening = [item.packet(SYN) for item in lane.connections]
        self._answers = [item.answer() for item in lane.connections]
        self._later = [item.packet(ACK) for item in lane.connections] * _PER_FLOW
        self._new: dict[str, list[float]] = {name: [] for name in self._names}
        self._established: dict[str, list[float]] = {name: [] for name in self._names}

    def round(self, *, counts: bool) -> None:
        """Let every ruleset have its turn."""
        for name in self._names:
            first, later = self._turn(name)
            if counts:
                self._new[name].append(first)
                self._established[name].append(later)

    def _turn(self, name: str) -> tuple[float, float]:
        """Return the nanoseconds of a packet that opens a connection, and of a later one."""
        router = self._router
        router.forget()
        with router.in_force(name):
            before = router.forwarded()
            first = router.forward(self._opening) - overhead(self._opening)
            router.forward(self._answers)
            later = router.forward(self._later) - overhead(self._later)
            passed = router.forwarded() - before
        expected = len(self._opening) + len(self._answers) + len(self._later)
        assert passed == expected, f"{name}: {passed} of {expected} packets"
        return first, later

    def result(self) -> Result:
        """Return the medians."""
        floor = self._new[EMPTY]
        pairs = {name: list(zip(new, floor, strict=True)) for name, new in self._new.items()}
        return Result(
            {name: median(values) for name, values in self._new.items()},
            {name: median(values) for name, values in self._established.items()},
            {name: median(mine - least for mine, least in each) for name, each in pairs.items()},
            {name: median(mine / least for mine, least in each) for name, each in pairs.items()},
        )
