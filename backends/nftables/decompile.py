"""An emitted nftables ruleset as a Program again, so that packets can be judged by its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from ...compiler.errors import NodeError
from ...compiler.ir.interpreter import Interpreter
from ...compiler.ir.match import (
    AddressMatch,
    Field,
    Hook,
    Icmp6TypeMatch,
    Key,
    KeyType,
    Match,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    State,
    StateMatch,
)
from ...compiler.ir.program import (
    Chain,
    Goto,
    Jump,
    Lookup,
    Program,
    Rule,
    Set,
    Terminal,
    Verdict,
    map_of,
)
from ...compiler.net import ANY_PORT, PORT_PROTOCOLS, Family, Interval, Protocol, parse_interval
from ..linux.conntrack import Judge
from . import ruleset as text

_FIELDS = {
    "ip saddr": (Field.SADDR, Family.IPV4),
    "ip daddr": (Field.DADDR, Family.IPV4),
    "ip6 saddr": (Field.SADDR, Family.IPV6),
    "ip6 daddr": (Field.DADDR, Family.IPV6),
    "meta l4proto": (Field.PROTOCOL, None),
    "th dport": (Field.DPORT, None),
}
_KEY_TYPES = {
    "ipv4_addr": KeyType.ADDRESS,
    "ipv6_addr": KeyType.ADDRESS,
    "inet_proto": KeyType.PROTOCOL,
    "inet_service": KeyType.PORT,
}
_TERMINALS = {
    "accept": Terminal.ACCEPT,
    "drop": Terminal.DROP,
    "return": Terminal.RETURN,
    "reject with tcp reset": Terminal.REJECT_RESET,
    "reject with icmpx type admin-prohibited": Terminal.REJECT_PROHIBITED,
}
_PROTOCOLS = {item.name.lower(): item for item in Protocol} | {"ipv6-icmp": Protocol.ICMPV6}

_FAMILIES = {"ipv4": Family.IPV4, "ipv6": Family.IPV6}
_ONE = "(?:" + "|".join(_FIELDS) + ")"
_VALUE = r"(?:\{ (?P<many>[^}]*) \}|(?P<one>\S+))"
_LOOKUP = re.compile(
    r"(?:meta nfproto (?P<family>ipv[46]) )?"
    rf"(?P<fields>{_ONE}(?: \. {_ONE})*) (?P<vmap>vmap )?@(?P<name>\w+) ?"
)
_ADDRESS = re.compile(rf"(?P<field>ip6? [sd]addr) {_VALUE} ")
_PORT = re.compile(rf"(?P<protocol>tcp|udp|sctp) dport {_VALUE} ")
_PROTOCOL = re.compile(rf"meta l4proto {_VALUE} ")
_STATE = re.compile(rf"ct state {_VALUE} ")
_ICMP6 = re.compile(rf"icmpv6 type {_VALUE} ")
_COUNTER = re.compile("counter ")
_COMMENT = ' comment "'
_HOOK = re.compile(r"hook (\w+) ")


def program_of(layout: text.NftRuleset) -> Program:
    """Return what the ruleset says, without origins; NodeError names a rule not understood."""
    families = {name: table.family for name, table in layout.sets.items()}
    families |= _families_asked_for(layout)
    sets, maps = [], []
    for name, table in sorted(layout.sets.items()):
        key = _key_types(table)
        if table.kind == "set":
            keys = tuple(_key(item, key) for item in table.lines())
            sets.append(Set(name, families[name], key, keys, table.note, table.dynamic))
        else:
            maps.append(map_of(name, families[name], key, [_entry(i, key) for i in table.lines()]))
    chains = (_chain(item) for _, item in sorted(layout.chains.items()))
    return Program("", tuple(sets), tuple(maps), tuple(chains))


def _families_asked_for(layout: text.NftRuleset) -> Mapping[str, Family]:
    """Return the families of sets and maps without addresses: it is rules that tell them."""
    rules = (_statement(rule) for chain in layout.chains.values() for rule in chain.rules)
    found = (match for rule in rules for match in _LOOKUP.finditer(rule) if match["family"])
    return {match["name"]: _FAMILIES[match["family"]] for match in found}


def judge_of(ruleset: text.NftRuleset, contents: Callable[[text.NftSet], Iterable[str]]) -> Judge:
    """Return who judges as the ruleset does; ``contents`` tells what dynamic sets have now."""
    evaluator = Interpreter(program_of(_filled(ruleset, contents)))
    return lambda packet, hook: evaluator.judge(packet, hook).accepted


def _filled(
    ruleset: text.NftRuleset, contents: Callable[[text.NftSet], Iterable[str]]
) -> text.NftRuleset:
    tables = dict(ruleset.sets)
    for name, table in ruleset.sets.items():
        if table.dynamic:
            elements = ",\n\t\t\t".join(item.partition(" ")[0] for item in contents(table))
            tables[name] = table.holding(elements)
    return text.NftRuleset(ruleset.header, tables, ruleset.chains)


def _key_types(table: text.NftSet) -> tuple[KeyType, ...]:
    words = table.head.partition("\n")[0].removeprefix("\t\ttype ").removesuffix(" : verdict")
    return tuple(_KEY_TYPES[word] for word in words.split(" . "))


def _entry(element: str, types: tuple[KeyType, ...]) -> tuple[Key, Verdict]:
    key, _, verdict = element.partition(" : ")
    return _key(key, types), _verdict(verdict)


def _key(element: str, types: tuple[KeyType, ...]) -> Key:
    return tuple(
        _interval(part, kind) for part, kind in zip(element.split(" . "), types, strict=True)
    )


def _interval(word: str, kind: KeyType) -> Interval:
    match kind:
        case KeyType.ADDRESS:
            return parse_interval(word)
        case KeyType.PROTOCOL:
            return (_PROTOCOLS[word], _PROTOCOLS[word])
        case KeyType.PORT:
            return _numbers(word)


def _numbers(word: str) -> Interval:
    low, dash, high = word.partition("-")
    return (int(low), int(high if dash else low))


def _chain(chain: text.NftChain) -> Chain:
    hook = _HOOK.search(chain.hook)
    rules = tuple(_rule(chain.name, rule) for rule in chain.rules)
    return Chain(chain.name, rules, Hook(hook[1]) if hook else None)


def _statement(rule: str) -> str:
    """Return the rule without its comment, which may say anything."""
    return rule.partition(_COMMENT)[0] + " "


def _rule(chain: str, rule: str) -> Rule:
    rest = _statement(rule)
    matches: list[Match] = []
    while rest.rstrip() not in _TERMINALS and not rest.startswith(("jump ", "goto ")):
        if counted := _COUNTER.match(rest):
            rest = rest[counted.end() :]
            continue
        if (found := _LOOKUP.match(rest)) and found["vmap"]:
            return Rule(tuple(matches), Lookup(_fields(found["fields"]), found["name"]))
        end, match = _match(chain, rule, rest)
        matches.append(match)
        rest = rest[end:]
    return Rule(tuple(matches), _verdict(rest.rstrip()))


def _match(chain: str, rule: str, rest: str) -> tuple[int, Match]:
    """Return the first test of a statement, and where it ends."""
    if found := _LOOKUP.match(rest):
        return found.end(), SetMatch(_fields(found["fields"]), found["name"])
    if found := _ADDRESS.match(rest):
        field, family = _FIELDS[found["field"]]
        intervals = tuple(map(parse_interval, _values(found)))
        return found.end(), AddressMatch(field, family or Family.IPV4, intervals)
    if found := _PORT.match(rest):
        ports = tuple(map(_numbers, _values(found)))
        return found.end(), PortMatch(_PROTOCOLS[found["protocol"]], ports)
    if found := _PROTOCOL.match(rest):
        protocols = tuple(_PROTOCOLS[word] for word in _values(found))
        if len(protocols) == 1 and protocols[0] in PORT_PROTOCOLS:
            return found.end(), PortMatch(protocols[0], ANY_PORT)
        return found.end(), ProtocolMatch(protocols)
    if found := _STATE.match(rest):
        return found.end(), StateMatch(tuple(State(word) for word in found["one"].split(",")))
    if found := _ICMP6.match(rest):
        return found.end(), Icmp6TypeMatch(tuple(map(_numbers, _values(found))))
    raise NodeError(f"chain {chain}: cannot tell what this rule means: {rule}")


def _values(found: re.Match[str]) -> list[str]:
    return found["many"].split(", ") if found["many"] else [found["one"]]


def _fields(words: str) -> tuple[Field, ...]:
    return tuple(_FIELDS[word][0] for word in words.split(" . "))


def _verdict(words: str) -> Verdict:
    kind, _, target = words.partition(" ")
    match kind:
        case "jump":
            return Jump(target)
        case "goto":
            return Goto(target)
        case _:
            return _TERMINALS[words]
