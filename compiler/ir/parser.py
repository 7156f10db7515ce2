"""Text → Program: the inverse of `printer`, for tests and for people who write IR by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TypeVar

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from ..errors import InputError, Span, error
from ..net import ANY_PORT, Family, Interval, Protocol, parse_address
from .match import (
    AddressMatch,
    Field,
    Hook,
    Icmp6TypeMatch,
    Key,
    KeyType,
    Match,
    Origin,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    State,
    StateMatch,
)
from .program import Chain, Goto, Jump, Lookup, Map, Program, Rule, Set, Terminal, Verdict, map_of

_FAMILIES = {"ipv4": Family.IPV4, "ipv6": Family.IPV6}
_HOOKS = {item.value: item for item in Hook}
_KEY_TYPES = {item.value: item for item in KeyType}
_FIELDS = {item.value: item for item in Field}
_ADDRESS_FIELDS = {name: item for name, item in _FIELDS.items() if item.type is KeyType.ADDRESS}
_STATES = {item.value: item for item in State}
_PROTOCOLS = {item.name.lower(): item for item in Protocol}

_MAX_DIGITS = 9  # more than any port, protocol or rule has

_Interval = tuple[Token, Token]
_Meaning = TypeVar("_Meaning")


class _MeaningError(Exception):
    """A word that the grammar allows and its place does not."""

    def __init__(self, token: Token, wanted: str) -> None:
        super().__init__(f"'{token}' is not {wanted}")
        self.token = token


def parse_program(text: str, name: str = "<ir>") -> Program:
    """Return the program that the text describes; InputError points to where it makes no sense."""
    try:
        program: Program = _Builder().transform(_parser().parse(text))
    except UnexpectedInput as unexpected:
        span = Span(name, unexpected.line, unexpected.column)
        raise InputError([error("this cannot stand here", span)]) from None
    except VisitError as failure:
        if not isinstance(failure.orig_exc, _MeaningError):
            raise
        token = failure.orig_exc.token
        span = Span(name, token.line or 0, token.column or 0)
        raise InputError([error(str(failure.orig_exc), span)]) from None
    return program


@cache
def _parser() -> Lark:
    return Lark.open_from_package("cnpc.grammar", "ir.lark", parser="lalr")


def _known(words: Mapping[str, _Meaning], token: Token) -> _Meaning:
    try:
        return words[token]
    except KeyError:
        raise _MeaningError(token, f"one of {', '.join(words)}") from None


def _number(token: Token) -> int:
    if not token.isdecimal() or len(token) > _MAX_DIGITS:
        raise _MeaningError(token, "a number")
    return int(token)


def _protocol(token: Token) -> int:
    """Return the protocol's number, which stands for itself where it has no name."""
    return _PROTOCOLS[token] if token in _PROTOCOLS else _number(token)


def _address(family: Family, token: Token) -> int:
    found, address = _family_and_address(token)
    if found is not family:
        raise _MeaningError(token, f"an {'IPv4' if family is Family.IPV4 else 'IPv6'} address")
    return address


def _family_and_address(token: Token) -> tuple[Family, int]:
    try:
        return parse_address(token)
    except ValueError:
        raise _MeaningError(token, "an address") from None


def _values(convert: Callable[[Token], int], interval: _Interval) -> Interval:
    return (convert(interval[0]), convert(interval[1]))


def _key(family: Family, types: Sequence[KeyType], intervals: Sequence[_Interval]) -> Key:
    if len(intervals) != len(types):
        raise _MeaningError(intervals[0][0], f"the start of a key of {len(types)} parts")
    converters: Mapping[KeyType, Callable[[Token], int]] = {
        KeyType.ADDRESS: partial(_address, family),
        KeyType.PROTOCOL: _protocol,
        KeyType.PORT: _number,
    }
    return tuple(
        _values(converters[kind], interval) for kind, interval in zip(types, intervals, strict=True)
    )


def _text(token: Token) -> str:
    text: str = json.loads(token)
    return text


class _Builder(Transformer[Token, Program]):
    """One method for each rule of the grammar, given what the rules below it returned."""

    @v_args(inline=True)
    def start(self, node: Token, *items: Set | Map | Chain) -> Program:
        return Program(
            _text(node),
            tuple(item for item in items if isinstance(item, Set)),
            tuple(item for item in items if isinstance(item, Map)),
            tuple(item for item in items if isinstance(item, Chain)),
        )

    @v_args(inline=True)
    def set(
        self,
        name: Token,
        family: Token,
        types: tuple[KeyType, ...],
        dynamic: Token | None,
        note: Token | None,
        *keys: list[_Interval],
    ) -> Set:
        kind = _known(_FAMILIES, family)
        return Set(
            str(name),
            kind,
            types,
            tuple(_key(kind, types, key) for key in keys),
            "" if note is None else _text(note),
            dynamic is not None,
        )

    @v_args(inline=True)
    def map(
        self,
        name: Token,
        family: Token,
        types: tuple[KeyType, ...],
        *entries: tuple[list[_Interval], Verdict],
    ) -> Map:
        kind = _known(_FAMILIES, family)
        elements = tuple((_key(kind, types, key), verdict) for key, verdict in entries)
        return map_of(str(name), kind, types, elements)

    @v_args(inline=True)
    def chain(self, name: Token, hook: Token | None, *rules: Rule) -> Chain:
        return Chain(str(name), rules, None if hook is None else _known(_HOOKS, hook))

    def types(self, words: list[Token]) -> tuple[KeyType, ...]:
        return tuple(_known(_KEY_TYPES, word) for word in words)

    def key(self, intervals: list[_Interval]) -> list[_Interval]:
        return intervals

    def intervals(self, intervals: list[_Interval]) -> list[_Interval]:
        return intervals

    @v_args(inline=True)
    def entry(self, key: list[_Interval], verdict: Verdict) -> tuple[list[_Interval], Verdict]:
        return key, verdict

    @v_args(inline=True)
    def interval(self, low: Token, high: Token | None) -> _Interval:
        return low, low if high is None else high

    def rule(self, parts: list[Match | Verdict | Lookup | Origin]) -> Rule:
        matches = tuple(part for part in parts if isinstance(part, Match))
        origins = tuple(part for part in parts if isinstance(part, Origin))
        verdict = parts[len(matches)]
        assert isinstance(verdict, Verdict | Lookup)  # noqa: S101 - the grammar puts it there
        return Rule(matches, verdict, origins)

    @v_args(inline=True)
    def any_port(self, protocol: Token) -> PortMatch:
        return PortMatch(_known(_PROTOCOLS, protocol), ANY_PORT)

    @v_args(inline=True)
    def intervals_of(self, word: Token, intervals: list[_Interval]) -> AddressMatch | PortMatch:
        if word in _PROTOCOLS:
            ports = tuple(_values(_number, interval) for interval in intervals)
            return PortMatch(_PROTOCOLS[word], ports)
        field = _known(_ADDRESS_FIELDS, word)
        family, _ = _family_and_address(intervals[0][0])
        addresses = tuple(_values(partial(_address, family), interval) for interval in intervals)
        return AddressMatch(field, family, addresses)

    @v_args(inline=True)
    def protocols(self, _: Token, words: list[Token]) -> ProtocolMatch:
        return ProtocolMatch(tuple(_known(_PROTOCOLS, word) for word in words))

    @v_args(inline=True)
    def states(self, words: list[Token]) -> StateMatch:
        return StateMatch(tuple(_known(_STATES, word) for word in words))

    @v_args(inline=True)
    def icmp6_types(self, intervals: list[_Interval]) -> Icmp6TypeMatch:
        return Icmp6TypeMatch(tuple(_values(_number, interval) for interval in intervals))

    @v_args(inline=True)
    def in_set(self, fields: tuple[Field, ...], name: Token) -> SetMatch:
        return SetMatch(fields, str(name))

    def fields(self, words: list[Token]) -> tuple[Field, ...]:
        return tuple(_known(_FIELDS, word) for word in words)

    def words(self, words: list[Token]) -> list[Token]:
        return words

    @v_args(inline=True)
    def terminal(self, word: Token) -> Terminal:
        return Terminal(str(word))

    @v_args(inline=True)
    def jump(self, chain: Token) -> Jump:
        return Jump(str(chain))

    @v_args(inline=True)
    def goto(self, chain: Token) -> Goto:
        return Goto(str(chain))

    @v_args(inline=True)
    def lookup(self, fields: tuple[Field, ...], name: Token) -> Lookup:
        return Lookup(fields, str(name))

    @v_args(inline=True)
    def origin(
        self, tier: Token, policy: Token, direction: Token, rule: Token, name: Token
    ) -> Origin:
        number = None if rule == "-" else _number(rule)
        return Origin(str(tier), _text(policy), str(direction), number, _text(name))
