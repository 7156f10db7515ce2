"""An emitted iptables ruleset as the steps that the walk through it counts.

It is read back as apply reads it, so that no rule is counted that was not understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from ..compiler import ir
from ..compiler.net import ANY_PORT, Family, Interval
from .iptables_layout import IptablesLayout
from .iptables_meaning import programs_of
from .nft_keys import addresses_text
from .nft_text import Chain, Rule, Table, Test, Text
from .text import PROTOCOL_WORD

_FAMILY_WORD = {Family.IPV4: "ip", Family.IPV6: "ip6"}
_TYPE = {Family.IPV4: "ipv4_addr", Family.IPV6: "ipv6_addr"}
_PORT_TYPES = ("inet_proto", "inet_service")


def steps_of(ruleset: IptablesLayout) -> Mapping[Family, Text]:
    """Return each family's chains and sets; NodeError if a rule is not understood."""
    programs = programs_of(ruleset, lambda _: ())
    return {family: _text(program, family) for family, program in programs.items()}


def _text(program: ir.Program, family: Family) -> Text:
    tables = {item.name: _table(item) for item in program.sets}
    return Text(tables, {item.name: _chain(item, family) for item in program.chains})


def _table(item: ir.Set) -> Table:
    """Return a set; ipset's are hashes even of networks, a look-up for each length of prefix."""
    keys = tuple(_key(key, item.family) for key in item.elements)
    types = (_TYPE[item.family], *_PORT_TYPES)[: len(item.key)]
    return Table(item.name, types, keys, interval=False, verdicts=False)


def _key(key: ir.Key, family: Family) -> str:
    addresses, *others = key
    words = [addresses_text(addresses, family)]
    if others:
        (protocol, _), ports = others
        words += [PROTOCOL_WORD.get(protocol, str(protocol)), _interval(ports)]
    return " . ".join(words)


def _interval(interval: Interval) -> str:
    low, high = interval
    return str(low) if low == high else f"{low}-{high}"


def _chain(item: ir.Chain, family: Family) -> Chain:
    rules = tuple(
        Rule(tuple(test for match in rule.matches for test in _tests(match, family)),
             _verdict(rule.verdict))
        for rule in item.rules
    )  # fmt: skip
    return Chain(item.name, item.hook.value if item.hook else "", rules)


def _tests(match: ir.Match, family: Family) -> Iterator[Test]:
    """Return the comparisons of a match in the order in which they are made."""
    match match:
        case ir.AddressMatch(field, _, intervals):
            (interval,) = intervals
            yield Test((_side(field, family),), addresses_text(interval, family))
        case ir.SetMatch(fields, name):
            yield Test(tuple(_side(field, family) for field in fields), "", name)
        case ir.PortMatch(protocol, ports):
            yield Test(("meta l4proto",), PROTOCOL_WORD[protocol])
            if ports != ANY_PORT:
                yield Test((f"{PROTOCOL_WORD[protocol]} dport",), ",".join(map(_interval, ports)))
        case ir.ProtocolMatch(protocols):
            (protocol,) = protocols
            yield Test(("meta l4proto",), PROTOCOL_WORD[protocol])
        case ir.StateMatch(states):
            yield Test(("ct state",), ",".join(state.value for state in states))
        case ir.Icmp6TypeMatch(types):
            yield Test(("icmpv6 type",), ",".join(map(_interval, types)))
        case _:
            assert_never(match)


def _side(field: ir.Field, family: Family) -> str:
    match field:
        case ir.Field.SADDR | ir.Field.DADDR:
            return f"{_FAMILY_WORD[family]} {field.value}"
        case ir.Field.PROTOCOL:
            return "meta l4proto"
        case ir.Field.DPORT:
            return "th dport"
        case _:
            assert_never(field)


def _verdict(verdict: ir.Verdict | ir.Lookup) -> str:
    match verdict:
        case ir.Jump(target):
            return f"jump {target}"
        case ir.Goto(target):
            return f"goto {target}"
        case ir.Terminal():
            return verdict.value
        case ir.Lookup():
            raise TypeError(verdict)
        case _:
            assert_never(verdict)
