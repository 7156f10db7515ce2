"""An emitted iptables ruleset as a Program again, so that packets can be judged by its texts."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping

from ...compiler.errors import NodeError
from ...compiler.ir.interpreter import Interpreter, Packet
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
from ...compiler.ir.program import Chain, Goto, Jump, Program, Rule, Set, Terminal, Verdict
from ...compiler.net import (
    ANY_PORT,
    PORT_PROTOCOLS,
    Family,
    Interval,
    Protocol,
    parse_address,
    parse_prefix,
)
from ..linux.conntrack import Judge
from ..text import PROTOCOL_WORD
from .names import OWN
from .ruleset import HOOK_CHAIN, ChainText, IptablesRuleset, SetText

Contents = Callable[[str], Iterable[str]]
"""Tells what a set that the node fills has now."""

_FAMILIES = {"v4": Family.IPV4, "v6": Family.IPV6}
_HOOKS = {f"{OWN}{name}": hook for hook, name in HOOK_CHAIN.items()}
_PROTOCOLS = {word: Protocol(number) for number, word in PROTOCOL_WORD.items()}
_SIDES = {"src": Field.SADDR, "dst": Field.DADDR}
_TERMINALS = {
    "DROP": Terminal.DROP,
    "RETURN": Terminal.RETURN,
    "REJECT": Terminal.REJECT_PROHIBITED,
}
_WITHOUT_TEST = frozenset(("-p", "-m", "--comment", "-j", "-g", "--reject-with"))


def judge_of(ruleset: IptablesRuleset, contents: Contents) -> Judge:
    """Return who judges as the ruleset does; NodeError if a rule is not understood."""
    evaluators = {
        family: Interpreter(program) for family, program in programs_of(ruleset, contents).items()
    }

    def judge(packet: Packet, hook: Hook) -> bool:
        # To return to the chain of the host is to be accepted, as far as policies go.
        return evaluators[packet.family].judge(packet, hook).accepted

    return judge


def programs_of(ruleset: IptablesRuleset, contents: Contents) -> Mapping[Family, Program]:
    """Return what the texts say, by family, without origins; RETURN stands for acceptance."""
    sets = [_set(item, contents) for item in ruleset.sets.values()]
    found = {}
    for suffix, family in _FAMILIES.items():
        chains = tuple(_chain(item, family) for item in ruleset.families[suffix].values())
        own = tuple(item for item in sets if item.family is family)
        found[family] = Program("", own, (), chains)
    return found


def _set(item: SetText, contents: Contents) -> Set:
    words = item.parameters.split(" ")
    family = Family.IPV6 if "inet6" in words else Family.IPV4
    entries = contents(item.name) if item.dynamic else item.entries()
    ports = words[0].endswith(",port")
    types = (KeyType.ADDRESS, KeyType.PROTOCOL, KeyType.PORT) if ports else (KeyType.ADDRESS,)
    return Set(item.name, family, types, tuple(map(_key, entries)), item.note, item.dynamic)


def _key(entry: str) -> Key:
    address, _, service = entry.partition(",")
    if not service:
        return (_prefix(address),)
    protocol, _, ports = service.partition(":")
    return (_prefix(address), (int(protocol), int(protocol)), _range(ports, "-"))


def _prefix(word: str) -> Interval:
    if "/" in word:
        return parse_prefix(word)[0].interval
    address = parse_address(word)[1]
    return (address, address)


def _range(word: str, between: str) -> Interval:
    low, _, high = word.partition(between)
    return (int(low), int(high or low))


def _chain(item: ChainText, family: Family) -> Chain:
    rules = tuple(_rule(rule, family) for rule in item.rules)
    return Chain(item.name, rules, _HOOKS.get(item.name))


def _rule(rule: str, family: Family) -> Rule:
    options = list(_options(rule))
    try:
        return Rule(tuple(_matches(options, family)), _verdict(options))
    except (KeyError, ValueError):
        raise NodeError(f"cannot tell what this rule means: {rule}") from None


def _options(rule: str) -> Iterator[tuple[str, str]]:
    """Yield the options behind the name of the chain with their values."""
    words = iter(shlex.split(rule)[2:])
    for option in words:
        value = next(words, "")
        yield option, f"{value} {next(words, '')}" if option == "--match-set" else value


def _matches(options: list[tuple[str, str]], family: Family) -> Iterator[Match]:
    protocol = next((_PROTOCOLS[value] for option, value in options if option == "-p"), None)
    found = [_match(option, value, family, protocol) for option, value in options]
    yield from (match for match in found if match)
    if protocol is None or any(isinstance(item, PortMatch | Icmp6TypeMatch) for item in found):
        return
    if protocol in PORT_PROTOCOLS:
        yield PortMatch(protocol, ANY_PORT)
    else:
        yield ProtocolMatch((protocol,))


def _match(option: str, value: str, family: Family, protocol: Protocol | None) -> Match | None:
    """Return what an option tests; None for those that test nothing by themselves."""
    match option:
        case "-s" | "-d":
            field = Field.SADDR if option == "-s" else Field.DADDR
            return AddressMatch(field, family, (_prefix(value),))
        case "--src-range" | "--dst-range":
            low, high = (parse_address(word)[1] for word in value.split("-"))
            return AddressMatch(_SIDES[option[2:5]], family, ((low, high),))
        case "--match-set":
            name, _, sides = value.partition(" ")
            return SetMatch(_fields(sides), name)
        case "--dport" | "--dports":
            ports = tuple(_range(word, ":") for word in value.split(","))
            return PortMatch(Protocol(protocol or 0), ports)
        case "--icmpv6-type":
            return Icmp6TypeMatch((_range(value, ":"),))
        case "--ctstate":
            return StateMatch(tuple(State(word.lower()) for word in value.split(",")))
        case _ if option in _WITHOUT_TEST:
            return None
        case _:
            raise ValueError(option)


def _fields(sides: str) -> tuple[Field, ...]:
    first, _, second = sides.partition(",")
    return (_SIDES[first], Field.PROTOCOL, Field.DPORT) if second else (_SIDES[first],)


def _verdict(options: list[tuple[str, str]]) -> Verdict:
    given = dict(options)
    if "-g" in given:
        return Goto(given["-g"])
    if given.get("--reject-with") == "tcp-reset":
        return Terminal.REJECT_RESET
    target = given["-j"]
    return Jump(target) if target.startswith(OWN) else _TERMINALS[target]
