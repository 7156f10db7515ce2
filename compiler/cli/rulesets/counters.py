"""What rules with counters have matched, from the listing of nft or of iptables-save -c."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_COUNTED = re.compile(r'counter packets (\d+) bytes (\d+).*? comment "([^"]*)"')
_SAVED = re.compile(r'(v[46]) \[(\d+):(\d+)\] -A (\S+) .*?-m comment --comment "?([^"]*?)"? -[jg] ')
_NUMBER = re.compile(r"(\d+)")
_CHAIN = re.compile(r"\tchain ([A-Za-z0-9_]+) \{")


@dataclass(frozen=True, slots=True)
class RuleCounter:
    """One rule: its chain, what it stands for (tier, policy, rule), and what it matched."""

    chain: str
    rule: str
    packets: int
    bytes: int


def counters(listing: str) -> Iterator[RuleCounter]:
    """Yield the rules that count, in the order of the listing."""
    chain = ""
    for line in listing.splitlines():
        if found := _CHAIN.match(line):
            chain = found[1]
        elif counted := _COUNTED.search(line):
            packets, octets, rule = counted.groups()
            yield RuleCounter(chain, rule, int(packets), int(octets))
        elif saved := _SAVED.match(line):
            family, packets, octets, name, rule = saved.groups()
            yield RuleCounter(f"{family} {name}", rule, int(packets), int(octets))


def by_rule(counted: Iterable[RuleCounter]) -> Mapping[str, tuple[int, int]]:
    """Return the packets and bytes of each rule of a policy, in the order of their names.

    It stands in several chains: of both families, and of packets from the own node.
    """
    sums: dict[str, tuple[int, int]] = {}
    for item in counted:
        packets, octets = sums.get(item.rule, (0, 0))
        sums[item.rule] = packets + item.packets, octets + item.bytes
    return {rule: sums[rule] for rule in sorted(sums, key=_by_number)}


def _by_number(rule: str) -> list[str | int]:
    """Return what sorts a rule's name by the numbers in it: egress[2] before egress[10]."""
    return [int(part) if part.isdecimal() else part for part in _NUMBER.split(rule)]
