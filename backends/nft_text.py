"""The nftables backend's text read back: tables of elements, and chains of rules taken apart.

It reads what the backend writes, not all of nft(8), and refuses anything else, so that no
rule is counted that was not understood. What it returns is also how rulesets for iptables are
walked through (iptables_steps).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..compiler.net import Interval, Protocol, parse_address, parse_prefix

Key = tuple[Interval, ...]

_PROTOCOL_NUMBER = {
    "ipv6-icmp": Protocol.ICMPV6,
    **{item.name.lower(): item for item in Protocol},
}
_FIELDS = {
    "ip saddr": "ipv4_addr",
    "ip daddr": "ipv4_addr",
    "ip6 saddr": "ipv6_addr",
    "ip6 daddr": "ipv6_addr",
    "meta l4proto": "inet_proto",
    "th dport": "inet_service",
    "tcp dport": "inet_service",
    "udp dport": "inet_service",
    "sctp dport": "inet_service",
    "icmpv6 type": "icmpv6_type",
    "ct state": "ct_state",
}
"""The expressions that rules compare, with the types of their values."""

_BLOCK = re.compile(r"\t(set|map|chain) (\S+) \{\n(.*?)^\t\}$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r' ?comment "[^"]*"$')
_FIELD = re.compile("|".join(re.escape(word) for word in _FIELDS))
_OPERAND = re.compile(r"(vmap )?(@\S+|\{ .*? \}|\S+)(?: |$)")
_VERDICT = re.compile(r"accept|drop|return|(?:jump|goto) \S+|reject with .*")


class UnreadError(ValueError):
    """Text that this reader does not know."""


@dataclass(frozen=True, slots=True)
class Table:
    """A set or map: the types of its key, and its elements as text, in which ``:`` parts verdicts.

    Anonymous ones have no name.
    """

    name: str
    types: tuple[str, ...]
    elements: tuple[str, ...]
    interval: bool
    verdicts: bool
    size: int = 0

    def entries(self) -> Iterator[tuple[Key, str]]:
        """Return each key with its verdict, which is empty in a set."""
        for element in self.elements:
            key, _, verdict = element.partition(" : ")
            yield tuple(map(_interval, self.types, key.split(" . "))), verdict


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison of fields with a value, or a look-up of them in a table.

    ``table`` is a name or the anonymous table itself, None for a ``value``; commas part several,
    of which one must be equal.
    """

    fields: tuple[str, ...]
    value: str = ""
    table: str | Table | None = None
    verdicts: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Tests in the order in which the kernel makes them; a verdict is in the last test or here."""

    tests: tuple[Test, ...]
    verdict: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules in order; ``hook`` is empty for a chain that is only gone to."""

    name: str
    hook: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A ruleset."""

    tables: Mapping[str, Table]
    chains: Mapping[str, Chain]

    def anonymous(self) -> Iterator[Table]:
        """Return the tables within rules."""
        for chain in self.chains.values():
            for rule in chain.rules:
                for test in rule.tests:
                    if isinstance(test.table, Table):
                        yield test.table


def read_text(text: str) -> Text:
    """Return what the backend's text declares; UnreadError names what is not of its making."""
    tables: dict[str, Table] = {}
    chains: dict[str, Chain] = {}
    for kind, name, body in _BLOCK.findall(text):
        if kind == "chain":
            chains[name] = _chain(name, body.split("\n"))
        else:
            tables[name] = _table(name, body)
    return Text(tables, chains)


def _table(name: str, body: str) -> Table:
    head, _, rest = body.partition("\t\telements = {\n")
    properties = dict(line.strip().partition(" ")[::2] for line in head.splitlines())
    kind, _, value = properties["type"].partition(" : ")
    elements = rest.rpartition("\n\t\t}")[0].strip().split(",\n\t\t\t") if rest else ()
    return Table(
        name,
        tuple(kind.split(" . ")),
        tuple(elements),
        "interval" in properties.get("flags", ""),
        value == "verdict",
        int(properties.get("size", 0)),
    )


def _chain(name: str, lines: Sequence[str]) -> Chain:
    stripped = [line.strip() for line in lines if line.strip()]
    hook = ""
    if stripped and stripped[0].startswith("type filter hook "):
        hook = stripped.pop(0).split()[3]
    return Chain(name, hook, tuple(_rule(_COMMENT.sub("", line)) for line in stripped))


def _rule(text: str) -> Rule:
    tests: list[Test] = []
    position = 0
    while field := _FIELD.match(text, position):
        test, position = _test(text, position, field)
        tests.append(test)
    rest = text[position:]
    if rest and not _VERDICT.fullmatch(rest):
        raise UnreadError(f"what does '{rest}' mean in the rule '{text}'?")
    return Rule(tuple(tests), rest)


def _test(text: str, position: int, field: re.Match[str]) -> tuple[Test, int]:
    fields = [field[0]]
    position = field.end()
    while text.startswith(" . ", position) and (more := _FIELD.match(text, position + 3)):
        fields.append(more[0])
        position = more.end()
    operand = _OPERAND.match(text, position + 1)
    if operand is None:
        raise UnreadError(f"what is compared in the rule '{text}'?")
    verdicts = operand[1] is not None
    value = operand[2]
    if value.startswith("@"):
        return Test(tuple(fields), "", value[1:], verdicts), operand.end()
    if value.startswith("{"):
        table = _anonymous([_FIELDS[name] for name in fields], value[2:-2], verdicts=verdicts)
        return Test(tuple(fields), "", table, verdicts), operand.end()
    return Test(tuple(fields), value), operand.end()


def _anonymous(types: Iterable[str], inside: str, *, verdicts: bool) -> Table:
    table = Table("", tuple(types), tuple(inside.split(", ")), interval=False, verdicts=verdicts)
    interval = any(low != high for key, _ in table.entries() for low, high in key)
    return replace(table, interval=interval, size=len(table.elements))


def parse_values(test: Test) -> tuple[Interval, ...]:
    """Return the intervals that the one field of a comparison is compared with."""
    return tuple(_interval(_FIELDS[test.fields[0]], word) for word in test.value.split(","))


def _interval(kind: str, text: str) -> Interval:
    if kind in ("ipv4_addr", "ipv6_addr"):
        return _addresses(text)
    if kind == "inet_proto":
        number = _PROTOCOL_NUMBER[text]
        return (number, number)
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def _addresses(text: str) -> Interval:
    if "/" in text:
        return parse_prefix(text)[0].interval
    low, _, high = text.partition("-")
    first = parse_address(low)[1]
    return first, parse_address(high)[1] if high else first
