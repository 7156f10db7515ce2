"""Verdict maps as trees of chains, for packet filters that have none.

The number of tests grows with the depth of a tree and not with the number of keys: 250 addresses
take 16 prefixes and then 16 addresses, where a list takes 250. Maps with ports in
their keys, and huge ones with few verdicts, become a set for each verdict.

Before:  map m { 10.0.0.1 : jump a   10.0.0.2 : jump b   ... }    chain c { vmap @m; drop }
After:   chain c { jump m; drop }
         chain m { 10.0.0.0/28 goto m_0; 10.0.0.16/28 goto m_16; ... }
         chain m_0 { 10.0.0.1 goto a; 10.0.0.2 goto b; ... }
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from ....compiler.errors import InputError
from ....compiler.ir.match import Field, Hook, KeyType, PortMatch, SetMatch
from ....compiler.ir.program import Chain, Goto, Jump, Lookup, Map, Program, Rule, Set, Verdict
from ....compiler.net import PORT_PROTOCOLS, Interval, Prefix, Protocol, normalize
from ..tree_leaves import Leaf, cut, leaves_of, within

Refuse = Callable[[str, Rule], InputError]
"""Makes the error for a rule that cannot be expressed, from words for what it is."""

_SMALLEST_FANOUT = 16
"""How many subtrees a chain has at least, if there are keys for it.

Among 250 addresses two chains of 16 cost 40 to 60 ns less than three of 8, 8 and 4 in
iptables-legacy and 35 ns less in iptables-nft (Linux 6.18): a test costs 4 or 15 ns, a chain 20 or
30, and each chain is more memory to touch.
"""

_KEYS_PER_SET = 512
"""From how many keys a verdict the look-up in a set costs less than the way through a tree."""

_PORT_PROTOCOLS = frozenset(map(int, PORT_PROTOCOLS))
_PORTS = (KeyType.PROTOCOL, KeyType.PORT)
_ADDRESS = (KeyType.ADDRESS,)
_PAIR = (KeyType.ADDRESS, KeyType.ADDRESS)


class _Shape(Struct, frozen=True):
    """What the nodes of one tree have in common; ``rest`` is where packets go that no key fits."""

    field: Field
    fanout: int
    rest: tuple[Rule, ...]


def maps_as_trees(program: Program, levels: int, refuse: Refuse) -> Program:
    """Return the program without maps; chains that this leaves as they are stay the same objects.

    No tree is more than ``levels`` chains deep. Chains that only lead on to another are left out,
    and a hook's chain ends in the rules of the one that it leads on to.
    """
    builder = _Builder(program, levels, refuse)
    made = [builder.chain(chain) for chain in program.chains]
    chains = {chain.name: _leading_on(chain) for chain in (*made, *builder.chains.values())}
    ends = {name: _end(name, chains) for name in chains}
    kept = {
        name: _redirected(chain, ends)
        for name, chain in chains.items()
        if ends[name] == name or chain.hook
    }
    return replace(
        program,
        sets=tuple(sorted((*program.sets, *builder.sets.values()), key=lambda item: item.name)),
        maps=(),
        chains=tuple(_through(kept[name], kept) for name in sorted(kept)),
    )


class _Builder:
    def __init__(self, program: Program, levels: int, refuse: Refuse) -> None:
        self._maps = program.maps_by_name()
        self._levels = levels
        self._refuse = refuse
        self.chains: dict[str, Chain] = {}
        self.sets: dict[str, Set] = {}

    def chain(self, chain: Chain) -> Chain:
        """Return the chain with rules, jumps and gotos for its look-ups."""
        rules = self._rules(chain.name, chain.rules)
        return chain.with_rules(rules)

    def _rules(self, name: str, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        for index, rule in enumerate(rules):
            if isinstance(rule.verdict, Lookup):
                before, behind = rules[:index], rules[index + 1 :]
                return (*before, *self._expand(f"{name}_{index}", rule, rule.verdict, behind))
        return rules

    def _expand(
        self, name: str, rule: Rule, lookup: Lookup, behind: tuple[Rule, ...]
    ) -> tuple[Rule, ...]:
        """Return the rules for a look-up and for what stands behind it.

        Elements that jump come back behind the look-up, so their tree is jumped to. All others
        leave the chain: their tree is gone to, and leads on to what stood behind if no key fits.
        """
        table = self._maps[lookup.map]
        verdicts = table.verdicts
        if table.key == _PORTS:
            return (*self._port_rules(rule, table), *self._rules(name, behind))
        if not _fits_a_tree(table):
            sets = [self._set_rule(rule, lookup, table, verdict) for verdict in verdicts]
            return (*sets, *self._rules(name, behind))
        elements = table.elements
        jumping = [item for item in elements if isinstance(item[1], Jump)]
        leaving = [item for item in elements if not isinstance(item[1], Jump)]
        made: list[Rule] = []
        if jumping:
            root = self._tree(lookup, leaves_of(table.family, lookup.fields, jumping), "jump", ())
            made.append(replace(rule, verdict=Jump(root)))
        if not leaving:
            return (*made, *self._rules(name, behind))
        rest = self._rest(name, behind)
        root = self._tree(lookup, leaves_of(table.family, lookup.fields, leaving), "goto", rest)
        made.append(replace(rule, verdict=Goto(root)))
        return (*made, *(rest if rule.matches else ()))

    def _rest(self, name: str, behind: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """Return the one rule, if any, that leads to what stood behind a look-up."""
        if not behind or (not behind[0].matches and isinstance(behind[0].verdict, Goto)):
            return behind[:1]
        self.chains[name] = Chain(name, self._rules(name, behind))
        return (Rule((), Goto(name)),)

    def _set_rule(self, rule: Rule, lookup: Lookup, table: Map, verdict: Verdict) -> Rule:
        """Return the rule for the keys of one verdict, with the set that holds them."""
        if KeyType.ADDRESS not in table.key:
            raise self._refuse("a map without addresses or ports", rule)
        groups = (keys for found, keys in table.groups if found == verdict)
        keys = tuple(sorted(key for group in groups for key in group))
        target = verdict.chain if isinstance(verdict, Jump | Goto) else verdict.value
        name = f"{table.name}_{target}"
        note = f"where {table.name} leads to {target}"
        self.sets[name] = Set(name, table.family, table.key, keys, note)
        return replace(
            rule, matches=(*rule.matches, SetMatch(lookup.fields, name)), verdict=verdict
        )

    def _port_rules(self, rule: Rule, table: Map) -> list[Rule]:
        """Return a rule for each protocol and verdict of a map from protocols and ports."""
        groups: dict[tuple[int, Verdict], list[Interval]] = {}
        for ((first, last), ports), verdict in table.elements:
            for protocol in range(first, last + 1):
                groups.setdefault((protocol, verdict), []).append(ports)
        if any(protocol not in _PORT_PROTOCOLS for protocol, _ in groups):
            raise self._refuse("ports of a protocol that has none", rule)
        return [
            replace(
                rule,
                matches=(*rule.matches, PortMatch(Protocol(protocol), normalize(ports))),
                verdict=verdict,
            )
            for (protocol, verdict), ports in groups.items()
        ]

    def _tree(
        self, lookup: Lookup, leaves: Sequence[Leaf], kind: str, rest: tuple[Rule, ...]
    ) -> str:
        """Make the tree of some of a map's elements and return the name of its root."""
        field = lookup.fields[0]
        fanout = max(_SMALLEST_FANOUT, _fanout(len(leaves), self._levels))
        ends = [rule.verdict.chain for rule in rest if isinstance(rule.verdict, Goto)]
        name = "_".join((lookup.map, field.value, kind, *ends))
        return self._node(name, _Shape(field, fanout, rest), leaves)

    def _node(self, name: str, shape: _Shape, leaves: Sequence[Leaf]) -> str:
        """Make the chain of a node and of all below it, and return its name."""
        subtrees: list[tuple[Prefix, list[Leaf]]] = []
        own = list(leaves)
        enough = math.ceil(len(leaves) / shape.fanout)
        while len(own) > (shape.fanout if subtrees else 2 * shape.fanout):
            own = cut(own, enough, subtrees)
            enough = math.ceil(enough / 2)
        rules: list[Rule] = []
        for prefix, inner in subtrees:
            below = self._node(f"{name}_{prefix.network:x}_{prefix.length}", shape, inner)
            rules.append(Rule((within(shape.field, prefix),), Goto(below)))
        rules += [rule for leaf in own for rule in leaf.rules]
        self.chains[name] = Chain(name, (*rules, *shape.rest))
        return name


def _fits_a_tree(table: Map) -> bool:
    """Tell whether the map makes a tree, and not a set for each verdict.

    A pair does if its first address leads to one leaf: no common type of ipset holds two addresses
    without a port.
    """
    if table.key == _PAIR:
        firsts = sorted({first for _, keys in table.groups for first, _ in keys})
        return all(one[1] < other[0] for one, other in pairwise(firsts))
    return table.key == _ADDRESS and len(table) <= _KEYS_PER_SET * len(table.verdicts)


def _fanout(leaves: int, levels: int) -> int:
    """Return the least fan-out with which a tree of so many leaves has so many levels.

    A subtree can have nearly twice its share, and so can a chain at the end of the tree.
    """
    return math.ceil(math.pow(leaves * 2.0 ** (levels - 2), 1 / levels))


def _leading_on(chain: Chain) -> Chain:
    """Return the chain with a goto for a jump at its end, behind which there is nothing."""
    match chain.rules:
        case (*rules, Rule(matches=(), verdict=Jump(target)) as last):
            return replace(chain, rules=(*rules, replace(last, verdict=Goto(target))))
        case _:
            return chain


def _through(chain: Chain, chains: Mapping[str, Chain]) -> Chain:
    """Return a hook's chain with the rules of the chain that it ends in, which spares the goto."""
    match chain:
        case Chain(rules=(*rules, Rule(matches=(), verdict=Goto(target), origins=())), hook=Hook()):
            return replace(chain, rules=(*rules, *chains[target].rules))
        case _:
            return chain


def _end(name: str, chains: Mapping[str, Chain]) -> str:
    """Return where a packet gets that goes to the chain, past chains that only lead on."""
    while True:
        match chains[name].rules:
            case (Rule(matches=(), verdict=Goto(target), origins=()), *_):
                name = target
            case _:
                return name


def _redirected(chain: Chain, ends: Mapping[str, str]) -> Chain:
    rules = tuple(_redirect(rule, ends) for rule in chain.rules)
    return chain.with_rules(rules)


def _redirect(rule: Rule, ends: Mapping[str, str]) -> Rule:
    match rule.verdict:
        case Jump(target):
            return replace(rule, verdict=Jump(ends[target]))
        case Goto(target):
            return replace(rule, verdict=Goto(ends[target]))
        case _:
            return rule
