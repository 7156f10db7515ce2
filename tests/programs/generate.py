"""A whole Program from one source of randomness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from cnpc.compiler.ir.match import (
    AddressMatch,
    Field,
    Hook,
    Icmp6TypeMatch,
    Key,
    Match,
    Origin,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    State,
    StateMatch,
)
from cnpc.compiler.ir.program import (
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
    map_of,
)
from cnpc.compiler.net import ANY_PORT, PORT_PROTOCOLS, Family, Protocol

from programs.values import ADDRESSES, PORTS, TEXTS, TYPES, Draw

_KEYS = (
    (Field.SADDR,),
    (Field.DADDR,),
    (Field.DADDR,),
    (Field.PROTOCOL,),
    (Field.SADDR, Field.DADDR),
    (Field.PROTOCOL, Field.DPORT),
    (Field.DADDR, Field.PROTOCOL, Field.DPORT),
)
_PLAIN = (Terminal.ACCEPT, Terminal.DROP, Terminal.RETURN)
_Fields = tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What Programs are made of: the hooks, and the addresses at the edges of intervals."""

    hooks: tuple[Hook, ...]
    addresses: Mapping[Family, Sequence[int]]


ANY_SHAPE = Shape(tuple(Hook), ADDRESSES)


def seeded(seed: int, shape: Shape = ANY_SHAPE) -> Program:
    """Return the Program of a seed; always the same one."""
    return generate(Random(seed), shape)  # noqa: S311 - reproducible, not secret


def generate(random: Random, shape: Shape = ANY_SHAPE) -> Program:
    """Return a random valid Program."""
    return _Generator(random, shape).program()


class _Generator:
    """Chains lead only to later ones; maps lead to the last two, which look nothing up."""

    def __init__(self, random: Random, shape: Shape) -> None:
        self._random = random
        self._draw = Draw(random, shape.addresses)
        self._hooks = sorted(shape.hooks, key=lambda hook: hook.value)
        self._names = [f"c{number}" for number in range(random.randint(2, 6))]
        self._sets = [self._set(f"s{number}") for number in range(random.randint(0, 3))]
        self._maps = [self._map(f"m{number}") for number in range(random.randint(0, 3))]

    def program(self) -> Program:
        chains = []
        for position, name in enumerate(self._names):
            looks_up = position < len(self._names) - 2
            rules = self._rules(self._names[position + 1 :], looks_up=looks_up)
            chains.append(Chain(name, rules))
        chains += [
            Chain(hook.value, self._rules(self._names, looks_up=True), hook) for hook in self._hooks
        ]
        sets, maps = (item for item, _ in self._sets), (item for item, _ in self._maps)
        return Program(self._text(), tuple(sets), tuple(maps), tuple(chains))

    def _text(self) -> str:
        return self._random.choice(TEXTS) + self._random.choice(TEXTS)

    def _set(self, name: str) -> tuple[Set, _Fields]:
        fields, family = self._random.choice(_KEYS), self._random.choice(tuple(Family))
        kinds = tuple(field.type for field in fields)
        dynamic = self._random.random() < 0.2
        keys = () if dynamic else self._keys(fields, family)
        return Set(name, family, kinds, keys, self._text(), dynamic), fields

    def _map(self, name: str) -> tuple[Map, _Fields]:
        fields, family = self._random.choice(_KEYS), self._random.choice(tuple(Family))
        kinds = tuple(field.type for field in fields)
        keys = self._keys(fields, family)
        elements = tuple((key, self._verdict(self._names[-2:])) for key in keys)
        return map_of(name, family, kinds, elements), fields

    def _keys(self, fields: _Fields, family: Family) -> tuple[Key, ...]:
        kinds = [field.type for field in fields]
        kept: list[Key] = []
        for _ in range(self._random.randint(0, 4)):
            key = self._draw.key(kinds, family)
            if not any(_overlap(key, other) for other in kept):
                kept.append(key)
        return tuple(sorted(kept))

    def _rules(self, targets: Sequence[str], *, looks_up: bool) -> tuple[Rule, ...]:
        number = self._random.randint(0, 4)
        return tuple(self._rule(targets, looks_up=looks_up) for _ in range(number))

    def _rule(self, targets: Sequence[str], *, looks_up: bool) -> Rule:
        matches, family = self._matches()
        origins = tuple(self._origin() for _ in range(self._random.randint(0, 2)))
        maps = [pair for pair in self._maps if family in {None, pair[0].family}]
        if looks_up and maps and self._random.random() < 0.4:
            item, fields = self._random.choice(maps)
            return Rule(matches, Lookup(fields, item.name), origins)
        verdict = self._verdict(targets)
        if self._random.random() < 0.1:
            verdict = self._random.choice((Terminal.REJECT_RESET, Terminal.REJECT_PROHIBITED))
        if verdict is Terminal.REJECT_RESET:
            matches = (PortMatch(Protocol.TCP, ANY_PORT),)
        return Rule(matches, verdict, origins)

    def _verdict(self, targets: Sequence[str]) -> Verdict:
        kind = self._random.choice((Jump, Goto, None)) if targets else None
        return kind(self._random.choice(targets)) if kind else self._random.choice(_PLAIN)

    def _origin(self) -> Origin:
        rule = self._random.choice((None, 0, 24))
        return Origin("Admin", self._text(), "ingress", rule, self._text())

    def _matches(self) -> tuple[tuple[Match, ...], Family | None]:
        """Return matches of at most one family, which they ask for, and of one protocol."""
        family = self._random.choice(tuple(Family))
        drawn = [self._match(family) for _ in range(self._random.randint(0, 3))]
        kept: list[Match] = []
        for match in drawn:
            asks = isinstance(match, PortMatch | ProtocolMatch | Icmp6TypeMatch)
            before = any(isinstance(m, PortMatch | ProtocolMatch | Icmp6TypeMatch) for m in kept)
            if not (asks and before):
                kept.append(match)
        asked = any(isinstance(m, AddressMatch | SetMatch | Icmp6TypeMatch) for m in kept)
        return tuple(kept), family if asked else None

    def _match(self, family: Family) -> Match:
        random, draw = self._random, self._draw
        choices: list[Callable[[], Match]] = [
            lambda: AddressMatch(
                random.choice((Field.SADDR, Field.DADDR)),
                family,
                draw.intervals(draw.addresses[family]),
            ),
            lambda: PortMatch(random.choice(PORT_PROTOCOLS), draw.intervals(PORTS)),
            lambda: PortMatch(random.choice(tuple(Protocol)), ANY_PORT),
            lambda: ProtocolMatch(tuple(random.sample(tuple(Protocol), random.randint(1, 3)))),
            lambda: StateMatch(tuple(random.sample(tuple(State), random.randint(1, 3)))),
            lambda: self._set_match(family),
        ]
        if family is Family.IPV6:
            choices.append(lambda: Icmp6TypeMatch(draw.intervals(TYPES)))
        return random.choice(choices)()

    def _set_match(self, family: Family) -> Match:
        fitting = [pair for pair in self._sets if pair[0].family is family]
        if not fitting:
            return StateMatch((State.NEW,))
        item, fields = self._random.choice(fitting)
        return SetMatch(fields, item.name)


def _overlap(left: Key, right: Key) -> bool:
    return all(a <= d and c <= b for (a, b), (c, d) in zip(left, right, strict=True))
