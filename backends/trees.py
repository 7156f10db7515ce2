"""Verdict maps as trees of chains, for packet filters that have none.

The number of tests grows with the depth of a tree and not with the number of keys: 250 addresses
take 16 prefixes and then 16 addresses, where a list takes 250.

Before:  map m { 10.0.0.1 : jump a   10.0.0.2 : jump b   ... }    chain c { vmap @m; drop }
After:   chain c { jump m; drop }
         chain m { 10.0.0.0/28 goto m_0; 10.0.0.16/28 goto m_1; ... }
         chain m_0 { 10.0.0.1 goto a; 10.0.0.2 goto b; ... }
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..compiler.errors import InputError
from ..compiler.ir import (
    AddressMatch,
    Chain,
    Field,
    Goto,
    Jump,
    KeyType,
    Lookup,
    Map,
    PortMatch,
    Program,
    Rule,
    Verdict,
)
from ..compiler.net import Prefix, Protocol, normalize, prefixes

Refuse = Callable[[str, Rule], InputError]
"""Makes the error for a rule that cannot be expressed, from words for what it is."""

_FANOUT = 16
"""How many tests a chain has at most; measured best for 250 endpoints (4 ns a test and 16 a chain).

More endpoints widen the tree instead of deepening it, because the kernel limits the depth.
"""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A prefix and what becomes of packets that it holds."""

    prefix: Prefix
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the nodes of one tree have in common; ``rest`` is where packets go that no key fits."""

    field: Field
    fanout: int
    rest: tuple[Rule, ...]


def maps_as_trees(program: Program, refuse: Refuse) -> Program:
    """Return the program without maps; chains without a look-up stay the same objects."""
    builder = _Builder(program, refuse)
    chains = [builder.chain(chain) for chain in program.chains]
    return replace(
        program,
        maps=(),
        chains=tuple(sorted((*chains, *builder.made.values()), key=lambda chain: chain.name)),
    )


class _Builder:
    def __init__(self, program: Program, refuse: Refuse) -> None:
        self._maps = program.maps_by_name()
        self._refuse = refuse
        self.made: dict[str, Chain] = {}

    def chain(self, chain: Chain) -> Chain:
        """Return the chain with each look-up as a jump or goto to a tree."""
        for index, rule in enumerate(chain.rules):
            if isinstance(rule.verdict, Lookup):
                before, behind = chain.rules[:index], chain.rules[index + 1 :]
                return replace(chain, rules=self._expand(chain.name, before, rule, behind))
        return chain

    def _expand(
        self, name: str, before: Sequence[Rule], rule: Rule, behind: tuple[Rule, ...]
    ) -> tuple[Rule, ...]:
        """Return the rules with the look-up expanded.

        Elements that jump come back behind the look-up, so the tree is jumped to. All others leave
        the chain: their tree is gone to, and leads on to what stood behind where no key fits.
        """
        if not isinstance(rule.verdict, Lookup):
            raise TypeError(rule)
        table = self._maps[rule.verdict.map]
        if KeyType.ADDRESS not in table.key:
            entry = self._port_rules(rule, rule.verdict, table)
            return (*before, *entry, *self.chain(Chain(name, behind)).rules)
        jumping = [item for item in table.elements if isinstance(item[1], Jump)]
        leaving = [item for item in table.elements if not isinstance(item[1], Jump)]
        entry = []
        if jumping:
            root = self._tree("jump", replace(table, elements=tuple(jumping)), rule, ())
            entry.append(replace(rule, verdict=Jump(root)))
        if not leaving:
            return (*before, *entry, *self.chain(Chain(name, behind)).rules)
        rest = self._rest(name, behind)
        root = self._tree("goto", replace(table, elements=tuple(leaving)), rule, rest)
        entry.append(replace(rule, verdict=Goto(root)))
        return (*before, *entry, *(rest if rule.matches else ()))

    def _rest(self, name: str, behind: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """Return the one rule, if any, that leads to what stood behind a look-up."""
        if not behind or (len(behind) == 1 and isinstance(behind[0].verdict, Goto)):
            return behind
        rest = self.chain(Chain(f"{name}_rest", behind))
        self.made[rest.name] = rest
        return (Rule((), Goto(rest.name)),)

    def _port_rules(self, rule: Rule, lookup: Lookup, table: Map) -> list[Rule]:
        """Return a rule for each protocol and verdict of a map without addresses."""
        if table.key != (KeyType.PROTOCOL, KeyType.PORT):
            raise self._refuse("a map over protocols or ports alone", rule)
        groups: dict[tuple[int, Verdict], list[tuple[int, int]]] = {}
        for (protocols, ports), verdict in table.elements:
            for protocol in range(protocols[0], protocols[1] + 1):
                groups.setdefault((protocol, verdict), []).append(ports)
        return [
            replace(
                rule,
                matches=(*rule.matches, PortMatch(Protocol(protocol), normalize(ports))),
                verdict=verdict,
            )
            for (protocol, verdict), ports in groups.items()
        ]

    def _tree(self, kind: str, table: Map, rule: Rule, rest: tuple[Rule, ...]) -> str:
        if table.key != (KeyType.ADDRESS,) or not isinstance(rule.verdict, Lookup):
            raise self._refuse("a map over addresses and ports", rule)
        leaves = sorted(
            (_Leaf(prefix, _as_goto(verdict)) for (interval,), verdict in table.elements
             for prefix in prefixes(table.family, interval)),
            key=lambda leaf: leaf.prefix.interval,
        )
        field = rule.verdict.fields[0]
        fanout = max(_FANOUT, math.isqrt(len(leaves)) + 1)
        name = "_".join((table.name, field.value, kind, *map(_target, rest)))
        return self._node(name, _Shape(field, fanout, rest), leaves)

    def _node(self, name: str, shape: _Shape, leaves: Sequence[_Leaf]) -> str:
        """Make the chain of a node and of all below it, and return its name."""
        subtrees: list[tuple[Prefix, list[_Leaf]]] = []
        own = list(leaves)
        if len(leaves) > 2 * shape.fanout:
            own = _cut(own, math.ceil(len(leaves) / shape.fanout), subtrees)
        rules: list[Rule] = []
        for prefix, inner in subtrees:
            below = self._node(f"{name}_{prefix.network:x}_{prefix.length}", shape, inner)
            rules.append(Rule((_within(shape.field, prefix),), Goto(below)))
        rules += [Rule((_within(shape.field, leaf.prefix),), leaf.verdict) for leaf in own]
        self.made[name] = Chain(name, (*rules, *shape.rest))
        return name


def _as_goto(verdict: Verdict) -> Verdict:
    """Return what does in a tree that was jumped to what the verdict does in the map."""
    return Goto(verdict.chain) if isinstance(verdict, Jump) else verdict


def _target(rule: Rule) -> str:
    return rule.verdict.chain if isinstance(rule.verdict, Goto) else ""


def _within(field: Field, prefix: Prefix) -> AddressMatch:
    return AddressMatch(field, prefix.family, (prefix.interval,))


def _cut(
    leaves: list[_Leaf], enough: int, found: list[tuple[Prefix, list[_Leaf]]]
) -> list[_Leaf]:
    """Move the smallest subtrees with enough leaves to ``found``, and return the leaves left over.

    A subtree has fewer than twice as many, so that the next level is that much smaller whatever the
    addresses are. Where one prefix holds another, the inner one comes first.
    """
    if len(leaves) < enough or len(leaves) == 1:
        return leaves
    common = _common(leaves)
    middle = common.network | (1 << (common.family.value - common.length - 1))
    left = [leaf for leaf in leaves if leaf.prefix.network < middle]
    right = [leaf for leaf in leaves if leaf.prefix.network >= middle]
    rest = _cut(left, enough, found) + _cut(right, enough, found)
    if len(rest) < enough:
        return rest
    found.append((common, rest))
    return []


def _common(leaves: Sequence[_Leaf]) -> Prefix:
    """Return the longest prefix that holds all of two or more leaves, which are in order."""
    family = leaves[0].prefix.family
    low, high = leaves[0].prefix.network, leaves[-1].prefix.interval[1]
    bits = (low ^ high).bit_length()
    return Prefix(family, low >> bits << bits, family.value - bits)
