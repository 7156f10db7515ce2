"""Lead packets by their port to the few rules that may be about it, for filters without maps.

A chain of many rules on ports becomes a tree: ranges of ports that together hold all of them, each
with a chain of the rules that its ports can match, in their order. Lower ports have left before a
range is tested, so that it may begin at 0: in iptables-nft that is one comparison instead of two.

Before:

    program "n"

    chain c {
      tcp 1,10 return
      tcp 2,11 return
      tcp 3,12 return
      tcp 4,13 return
      tcp 5,14 return
      tcp 6,15 return
      tcp 7,16 return
      tcp 8,17 return
      tcp 9,18 return
      drop
    }

    chain forward hook forward {
      jump c
    }

After:

    program "n"

    chain c {
      tcp 0-8 goto c_tcp_0
      tcp 0-16 goto c_tcp_9
      tcp 17-65535 goto c_tcp_17
      drop
    }

    chain c_tcp_0 {
      tcp 1 return
      tcp 2 return
      tcp 3 return
      tcp 4 return
      tcp 5 return
      tcp 6 return
      tcp 7 return
      tcp 8 return
      drop
    }

    chain c_tcp_17 {
      tcp 17 return
      tcp 18 return
      drop
    }

    chain c_tcp_9 {
      tcp 10 return
      tcp 11 return
      tcp 12 return
      tcp 13 return
      tcp 14 return
      tcp 15 return
      tcp 16 return
      tcp 9 return
      drop
    }

    chain forward hook forward {
      jump c
    }
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from ....compiler.ir.match import PortMatch
from ....compiler.ir.program import Chain, Goto, Program, Rule
from ....compiler.ir.reachability import depth
from ....compiler.ir.specialize import within
from ....compiler.net import ANY_PORT, MAX_PORT, PORT_PROTOCOLS, Interval, Protocol

_BUCKET = 8
"""How many ports a chain at the end of the tree tests for, at least."""

_DEEPEST = 15
"""How deep chains may lie below a host's chain (NFT_JUMP_STACK_SIZE is 16)."""

_HOOK_DEPTH = 3
"""The hook's chain below the host's, and the way round it of what is not plainly new."""

_TREE_DEPTH = 2
"""The chains that a look-up of an address takes."""


def split_ports(program: Program) -> Program:
    """Return the program with trees of ports; as flat as the depth that the kernel allows asks."""
    for levels in (2, 1):
        split = _split(program, levels)
        if split.chains == program.chains:
            return program
        if _HOOK_DEPTH + depth(split, _TREE_DEPTH) <= _DEEPEST:
            return split
    return program


def _split(program: Program, levels: int) -> Program:
    plain = (chain for chain in program.chains if not chain.hook)
    return program.with_objects(
        made for chain in plain for made in _Splitter(chain, levels).chains()
    )


class _Bucket(Struct, frozen=True):
    """A range of ports and the chain that judges them."""

    ports: Interval
    chain: str


class _Splitter:
    def __init__(self, chain: Chain, levels: int) -> None:
        self._chain = chain
        self._levels = levels
        self._made: list[Chain] = []

    def chains(self) -> Sequence[Chain]:
        """Return the chain, and those that it leads to if it was split."""
        ahead: list[Rule] = []
        rules: Sequence[Rule] = self._chain.rules
        if rules and _leads_on(rules[0]):
            return (self._chain,)
        others = sum(_ports(rule) is None for rule in rules)
        size = max(_BUCKET, others)
        if len(rules) - others <= _BUCKET:
            return (self._chain,)
        for protocol in PORT_PROTOCOLS:
            starts = sorted(set(_starts(self._chain.rules, protocol)))
            if len(starts) > 2 * size:
                ahead += self._tree(protocol, _ranges(starts, size))
                rules = [rule for rule in rules if not _is_about_ports(rule, protocol)]
        if not ahead:
            return (self._chain,)
        return (replace(self._chain, rules=(*ahead, *rules)), *self._made)

    def _tree(self, protocol: Protocol, ranges: Iterable[Interval]) -> list[Rule]:
        """Make the chains of a protocol and return the rules that lead to them."""
        buckets = []
        for ports in ranges:
            rules = tuple(within(self._chain.rules, protocol, ports))
            name = f"{self._chain.name}_{protocol.name.lower()}_{ports[0]}"
            self._made.append(Chain(name, rules))
            buckets.append(_Bucket(ports, name))
        if self._levels > 1 and len(buckets) > _BUCKET:
            buckets = self._group(protocol, buckets)
        return _leading(protocol, buckets)

    def _group(self, protocol: Protocol, buckets: Sequence[_Bucket]) -> list[_Bucket]:
        """Return fewer buckets, whose chains lead on to the ones given."""
        size = math.isqrt(len(buckets) - 1) + 1
        groups = []
        for start in range(0, len(buckets), size):
            inner = buckets[start : start + size]
            name = f"{inner[0].chain}_on"
            *rules, last = _leading(protocol, inner)
            self._made.append(Chain(name, (*rules, replace(last, matches=()))))
            groups.append(_Bucket((inner[0].ports[0], inner[-1].ports[1]), name))
        return groups


def _ports(rule: Rule) -> PortMatch | None:
    return next((match for match in rule.matches if isinstance(match, PortMatch)), None)


def _leads_on(rule: Rule) -> bool:
    """Tell whether the rule is a tree's, so that the chain needs no other."""
    return len(rule.matches) == 1 and _ports(rule) is not None and isinstance(rule.verdict, Goto)


def _starts(rules: Iterable[Rule], protocol: Protocol) -> Iterable[int]:
    """Give the first port of each interval that is tested."""
    for rule in rules:
        match = _ports(rule)
        if match is not None and match.protocol is protocol and match.ports != ANY_PORT:
            yield from (low for low, _ in match.ports)


def _is_about_ports(rule: Rule, protocol: Protocol) -> bool:
    """Tell whether only packets with a port match, all of which the tree takes."""
    match = _ports(rule)
    return match is not None and match.protocol is protocol and match.ports != ANY_PORT


def _ranges(starts: Sequence[int], size: int) -> Iterable[Interval]:
    """Give ranges that hold all ports, and each so many of the places where tests start."""
    firsts = (0, *starts[size::size])
    for low, following in pairwise((*firsts, MAX_PORT + 1)):
        yield (low, following - 1)


def _leading(protocol: Protocol, buckets: Sequence[_Bucket]) -> list[Rule]:
    """Return the rules that lead each port to its bucket.

    The last does not begin at 0: that asks for the protocol alone, which is true without a port.
    """
    *others, last = buckets
    ranges = (*((0, bucket.ports[1]) for bucket in others), last.ports)
    return [
        Rule((PortMatch(protocol, (ports,)),), Goto(bucket.chain))
        for ports, bucket in zip(ranges, buckets, strict=True)
    ]
