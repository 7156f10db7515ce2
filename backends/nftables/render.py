"""The nftables backend: a Program as one ``table inet cnpc`` that ``nft -f`` loads.

The text replaces the table in one transaction, so that loading it twice is the same as once. It
keeps to what nft 1.0.1 reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple, assert_never

from ...compiler.ir.match import (
    AddressMatch,
    Field,
    Hook,
    Icmp6TypeMatch,
    KeyType,
    Match,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    StateMatch,
)
from ...compiler.ir.program import (
    Chain,
    Goto,
    Jump,
    Lookup,
    Map,
    Program,
    Rule,
    Set,
    Terminal,
    Verdict,
)
from ...compiler.net import ANY_PORT, Family, Interval
from ...templates import compiled
from ..base import Ruleset, Size
from ..stats.lookups import listed
from ..text import PROTOCOL_WORD, describe_origins, quotable, room
from .set_keys import KeyWriter, addresses_text, write_keys

COMMENT_BYTES = 128
"""The longest comment (nftables, include/utils.h: NFTNL_UDATA_COMMENT_MAXLEN)."""

HOOK_PRIORITY = {
    # Behind DNAT (prerouting) and ahead of SNAT (postrouting), where addresses and ports are the
    # pods' own; ahead of the host's own filter chains (priority 0) and firewalld's (+10), which
    # may still drop what is accepted here. kube-proxy's nftables mode judges at 0 too (1.35).
    Hook.FORWARD: -5,
    Hook.INPUT: -5,
}

_FAMILY_WORD = {Family.IPV4: "ip", Family.IPV6: "ip6"}
_ADDRESS_TYPE = {Family.IPV4: "ipv4_addr", Family.IPV6: "ipv6_addr"}
_FAMILY_TEST = {Family.IPV4: "ipv4", Family.IPV6: "ipv6"}

_VERDICT_WORD = {
    Terminal.ACCEPT: "accept",
    Terminal.DROP: "drop",
    Terminal.RETURN: "return",
    Terminal.REJECT_RESET: "reject with tcp reset",
    # The word "type" may be left out since nft 1.0.0, and must not be before.
    Terminal.REJECT_PROHIBITED: "reject with icmpx type admin-prohibited",
}

_DYNAMIC_SIZE = 65535
_LINES = ",\n\t\t\t"
_NEXT_LINE = "\n\t\t"


class _Table(NamedTuple):
    """A set or map as the template lays it out, which asks a tuple quicker than by attributes."""

    kind: str
    name: str
    type: str
    properties: tuple[str, ...]
    elements: str
    """One a line."""
    size: int


class _Chain(NamedTuple):
    """A chain as the template lays it out."""

    name: str
    lines: str
    """Its hook, where it has one, and its rules."""
    anonymous_sets: int


class Nftables:
    """Renders programs; text of sets and chains that several nodes share is made once."""

    name = "nftables"
    suffixes: tuple[str, ...] = ("nft",)
    has_maps = True

    def __init__(self) -> None:
        """Start without a text made."""
        self._keys = KeyWriter()
        self._sets: dict[str, tuple[Set, _Table]] = {}
        self._chains: dict[str, tuple[Chain, _Chain]] = {}

    def build(self, program: Program, header: Sequence[str]) -> Ruleset:
        """Return the node's ruleset: one text with the suffix ``nft``."""
        families = {item.name: item.family for item in program.sets}
        families |= {item.name: item.family for item in program.maps}
        tables = [*map(self._set, program.sets), *map(self._map, program.maps)]
        chains = [self._chain(chain, families) for chain in program.chains]
        text = compiled.nftables(header=header, tables=tables, chains=chains)
        size = Size(
            chains=len(chains),
            rules=sum(len(chain.rules) for chain in program.chains),
            sets=len(tables) + sum(chain.anonymous_sets for chain in chains),
            elements=sum(table.size for table in tables),
        )
        return Ruleset(program.node, {"nft": text}, size)

    def _set(self, item: Set) -> _Table:
        known = self._sets.get(item.name)
        if known is None or known[0] is not item:
            made = self._keys.texts(item.elements, item)
            kind = _type(item.key, item.family)
            text = _LINES.join(made.texts)
            properties = _properties(item, exact=made.exact)
            table = _Table("set", item.name, kind, properties, text, len(made.texts))
            known = self._sets[item.name] = (item, table)
        return known[1]

    def _map(self, item: Map) -> _Table:
        size = len(item)
        lines, exact = self._one_by_one(item) if len(item.groups) == size else self._groups(item)
        kind = f"{_type(item.key, item.family)} : verdict"
        storage = _storage(size, exact=exact)
        return _Table("map", item.name, kind, storage, _LINES.join(lines), size)

    def _one_by_one(self, item: Map) -> tuple[list[str], bool]:
        """Return the lines of a map whose keys each have their own verdict."""
        made = write_keys(tuple([keys[0] for _, keys in item.groups]), item)
        lines = zip(made.texts, item.groups, strict=True)
        return [f"{text} : {_verdict(verdict)}" for text, (verdict, _) in lines], made.exact

    def _groups(self, item: Map) -> tuple[list[str], bool]:
        """Return the lines of a map's groups, and whether each key is a single value."""
        groups: list[str] = []
        exact = True
        for verdict, keys in item.groups:
            made = self._keys.texts(keys, item)
            exact = exact and made.exact
            # A join writes what all keys of a group have in common without looking at each.
            lead = f" : {_verdict(verdict)}"
            groups.append(f"{lead}{_LINES}".join(made.texts) + lead)
        return groups, exact

    def _chain(self, chain: Chain, families: Mapping[str, Family]) -> _Chain:
        known = self._chains.get(chain.name)
        if known is None or known[0] is not chain:
            known = self._chains[chain.name] = (chain, _chain(chain, families))
        return known[1]


def _chain(chain: Chain, families: Mapping[str, Family]) -> _Chain:
    lines = [_rule(rule, families) for rule in chain.rules]
    if chain.hook is not None:
        lines.insert(0, _hook(chain.hook))
    sets = [
        len(listed(match)) > 1
        for rule in chain.rules
        for match in rule.matches
        if not isinstance(match, SetMatch)
    ]
    return _Chain(chain.name, _NEXT_LINE.join(lines), sum(sets))


def _hook(hook: Hook) -> str:
    return f"type filter hook {hook.value} priority {HOOK_PRIORITY[hook]}; policy accept;"


def _properties(item: Set, *, exact: bool) -> tuple[str, ...]:
    storage = _storage(len(item.elements), exact=exact)
    if item.dynamic:
        storage = ("flags timeout", f"size {_DYNAMIC_SIZE}")
    if not item.note:
        return storage
    return (*storage, f'comment "{quotable(item.note, COMMENT_BYTES)}"')


def _storage(elements: int, *, exact: bool) -> tuple[str, ...]:
    """Return flags or size: a declared size makes the kernel choose its fastest hash."""
    return (f"size {room(elements)}",) if exact else ("flags interval",)


@cache
def _type(key: Sequence[KeyType], family: Family) -> str:
    words = {
        KeyType.ADDRESS: _ADDRESS_TYPE[family],
        KeyType.PROTOCOL: "inet_proto",
        KeyType.PORT: "inet_service",
    }
    return " . ".join(words[part] for part in key)


def _rule(rule: Rule, families: Mapping[str, Family]) -> str:
    words = [_match(match, families) for match in rule.matches]
    if isinstance(rule.verdict, Lookup):
        name = rule.verdict.map
        words.append(f"{_fields(rule.verdict.fields, families[name])} vmap @{name}")
    else:
        words.append(_verdict(rule.verdict))
    if rule.origins:
        words.append(f'comment "{quotable(describe_origins(rule.origins), COMMENT_BYTES)}"')
    return " ".join(words)


def _match(match: Match, families: Mapping[str, Family]) -> str:
    match match:
        case AddressMatch(field, family, intervals):
            values = [addresses_text(interval, family) for interval in intervals]
            return f"{_fields((field,), family)} {_one_or_set(values)}"
        case SetMatch(fields, name):
            return f"{_fields(fields, families[name])} @{name}"
        case PortMatch(protocol, ports):
            if ports == ANY_PORT:
                return f"meta l4proto {PROTOCOL_WORD[protocol]}"
            return f"{PROTOCOL_WORD[protocol]} dport {_one_or_set(_numbers(ports))}"
        case ProtocolMatch(protocols):
            return f"meta l4proto {_one_or_set([PROTOCOL_WORD[item] for item in protocols])}"
        case StateMatch(states):
            return f"ct state {','.join(state.value for state in states)}"
        case Icmp6TypeMatch(types):
            return f"icmpv6 type {_one_or_set(_numbers(types))}"
        case _:
            assert_never(match)


def _numbers(intervals: Iterable[Interval]) -> list[str]:
    return [str(low) if low == high else f"{low}-{high}" for low, high in intervals]


def _one_or_set(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{{ {', '.join(values)} }}"


@cache
def _fields(fields: Sequence[Field], family: Family) -> str:
    """Return the key's expression; without an address in it, the family has to be asked for."""
    words = {
        Field.SADDR: f"{_FAMILY_WORD[family]} saddr",
        Field.DADDR: f"{_FAMILY_WORD[family]} daddr",
        Field.PROTOCOL: "meta l4proto",
        Field.DPORT: "th dport",
    }
    has_address = any(field.type is KeyType.ADDRESS for field in fields)
    family_test = "" if has_address else f"meta nfproto {_FAMILY_TEST[family]} "
    return family_test + " . ".join(words[field] for field in fields)


def _verdict(verdict: Verdict) -> str:
    match verdict:
        case Terminal():
            return _VERDICT_WORD[verdict]
        case Jump(chain):
            return f"jump {chain}"
        case Goto(chain):
            return f"goto {chain}"
        case _:
            assert_never(verdict)
