"""What a packet costs under each ruleset: new connections, and those that are established."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address
from random import Random
from statistics import median

from clusters import SEED, Shape, address, node_policies
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


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure."""

    connections: int
    rounds: int


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
    specs = [item["spec"] for item in node_policies(shape).objects() if _is_policy(item)]
    by_group: dict[str, list[Rule]] = {}
    for spec in specs:
        group = spec["podSelector"]["matchLabels"]["group"]
        by_group.setdefault(group, []).extend(map(_rule, spec["ingress"]))
    found: dict[Connection, None] = {}
    while len(found) < count:
        local = random.randrange(shape.local)
        peers, ports = random.choice(by_group[f"group-{local % shape.groups}"])
        first = peers + -(-(shape.local - peers) // shape.classes) * shape.classes
        peer = random.randrange(first, shape.pods, shape.classes)
        ends = IPv4Address(address(peer)), IPv4Address(address(local))
        found[Connection(*ends, random.randrange(1024, 65536), random.choice(ports))] = None
    return list(found)


Rule = tuple[int, list[int]]
"""The class of a rule's peers, and its ports."""


def _is_policy(item: Mapping[str, object]) -> bool:
    return item["kind"] == "NetworkPolicy"


def _rule(rule: Mapping[str, list]) -> Rule:
    label = rule["from"][0]["podSelector"]["matchLabels"]["class"]
    return int(label.rpartition("-")[2]), [item["port"] for item in rule["ports"]]


@dataclass(frozen=True, slots=True)
class Result:
    """Nanoseconds of a packet, the medians over rounds."""

    new: Mapping[str, float]
    established: Mapping[str, float]


def compare(
    rulesets: Mapping[str, str], connections: Sequence[Connection], effort: Effort
) -> Result:
    """Return what packets of the connections cost under each ruleset, measured turn by turn.

    AssertionError if a ruleset does not let every packet pass: the connections are allowed ones.
    """
    opening = [item.packet(SYN) for item in connections]
    answers = [item.answer() for item in connections]
    later = [item.packet(ACK) for item in connections] * _PER_FLOW
    new: dict[str, list[float]] = {name: [] for name in rulesets}
    established: dict[str, list[float]] = {name: [] for name in rulesets}
    with ExitStack() as stack:
        routers = {name: stack.enter_context(Router(text)) for name, text in rulesets.items()}
        for turn in range(effort.rounds + 1):
            for name, router in routers.items():
                router.forget()
                before = router.forwarded()
                first = router.forward(opening) - overhead(opening)
                router.forward(answers)
                rest = router.forward(later) - overhead(later)
                passed = router.forwarded() - before
                expected = len(opening) + len(answers) + len(later)
                assert passed == expected, f"{name}: {passed} of {expected} packets"
                if turn:  # the first one fills caches
                    new[name].append(first)
                    established[name].append(rest)
    return Result(
        {name: median(values) for name, values in new.items()},
        {name: median(values) for name, values in established.items()},
    )
