"""The text form of the IR, for people and for tests; `parser` is its inverse, byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import assert_never

from ..net import ANY_PORT, Family, Interval, Protocol, Symbol, format_address
from .match import (
    AddressMatch,
    Field,
    Icmp6TypeMatch,
    Key,
    KeyType,
    Match,
    Origin,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    StateMatch,
)
from .program import Chain, Goto, Jump, Lookup, Map, Program, Rule, Set, Terminal, Verdict

_WORD: Mapping[Symbol, str] = {item: item.value for item in (*Field, *Terminal)}

_FAMILY = {Family.IPV4: "ipv4", Family.IPV6: "ipv6"}


def print_program(program: Program) -> str:
    """Return the whole program as text, ending in a newline."""
    parts = [f"program {_quoted(program.node)}\n"]
    parts += [_set(item) for item in program.sets]
    parts += [_map(item) for item in program.maps]
    parts += [_chain(item) for item in program.chains]
    return "\n".join(parts)


def print_rule(rule: Rule) -> str:
    """Return one rule on one line."""
    words = [_match(match) for match in rule.matches]
    words.append(_verdict_or_lookup(rule.verdict))
    return line_of(" ".join(words), [print_origin(origin) for origin in rule.origins])


def line_of(rule: str, origins: Iterable[str]) -> str:
    """Return the line of a rule without origins and of its origins, as they are printed."""
    return " ; ".join((rule, *origins))


def print_origin(origin: Origin) -> str:
    """Return what a rule's line says of one of its origins."""
    rule = "-" if origin.rule is None else str(origin.rule)
    policy, name = _quoted(origin.policy), _quoted(origin.name)
    return f"{origin.tier} {policy} {origin.direction} {rule} {name}"


def print_key(key: Key, types: Iterable[KeyType], family: Family) -> str:
    """Return a set element: its parts joined by dots."""
    parts = zip(key, types, strict=True)
    return " . ".join(_part(interval, kind, family) for interval, kind in parts)


@cache
def protocol_name(number: int) -> str:
    """Return the protocol's name, or its number where rules never name it."""
    try:
        return Protocol(number).name.lower()
    except ValueError:
        return str(number)


def _set(item: Set) -> str:
    note = f" {_quoted(item.note)}" if item.note else ""
    dynamic = " dynamic" if item.dynamic else ""
    head = f"set {item.name} {_FAMILY[item.family]} {_key_types(item.key)}{dynamic}{note}"
    return _block(head, (print_key(key, item.key, item.family) for key in item.elements))


def _map(item: Map) -> str:
    head = f"map {item.name} {_FAMILY[item.family]} {_key_types(item.key)}"
    lines = (
        f"{print_key(key, item.key, item.family)} : {_verdict(verdict)}"
        for key, verdict in item.elements
    )
    return _block(head, lines)


def _chain(chain: Chain) -> str:
    hook = f" hook {chain.hook.value}" if chain.hook else ""
    return _block(f"chain {chain.name}{hook}", (print_rule(rule) for rule in chain.rules))


def _block(head: str, lines: Iterable[str]) -> str:
    return head + " {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _key_types(types: Iterable[KeyType]) -> str:
    return " . ".join(kind.value for kind in types)


@cache
def _fields(fields: tuple[Field, ...]) -> str:
    return " . ".join(_WORD[field] for field in fields)


def _part(interval: Interval, kind: KeyType, family: Family) -> str:
    low, high = interval
    if low == high:
        return _value(low, kind, family)
    return f"{_value(low, kind, family)}-{_value(high, kind, family)}"


def _value(value: int, kind: KeyType, family: Family) -> str:
    match kind:
        case KeyType.ADDRESS:
            return format_address(family, value)
        case KeyType.PROTOCOL:
            return protocol_name(value)
        case KeyType.PORT:
            return str(value)
        case _:
            assert_never(kind)


def _match(match: Match) -> str:
    match match:
        case AddressMatch(field, family, intervals):
            parts = (_part(interval, KeyType.ADDRESS, family) for interval in intervals)
            return f"{_WORD[field]} {','.join(parts)}"
        case SetMatch(fields, name):
            return f"{_fields(fields)} @{name}"
        case PortMatch(protocol, ports):
            name = protocol_name(protocol)
            return f"{name} any" if ports == ANY_PORT else f"{name} {_numbers(ports)}"
        case ProtocolMatch(protocols):
            return f"protocol {','.join(protocol_name(item) for item in protocols)}"
        case StateMatch(states):
            return f"state {','.join(state.value for state in states)}"
        case Icmp6TypeMatch(types):
            return f"icmp6-type {_numbers(types)}"
        case _:
            assert_never(match)


def _numbers(intervals: Iterable[Interval]) -> str:
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in intervals)


def _verdict_or_lookup(verdict: Verdict | Lookup) -> str:
    if isinstance(verdict, Lookup):
        return f"lookup {_fields(verdict.fields)} in {verdict.map}"
    return _verdict(verdict)


def _verdict(verdict: Verdict) -> str:
    match verdict:
        case Terminal():
            return _WORD[verdict]
        case Jump(chain):
            return f"jump {chain}"
        case Goto(chain):
            return f"goto {chain}"
        case _:
            assert_never(verdict)
