"""Rules as the text from which names are made.

It says all of a rule and nothing else, so that equal rules alone have equal texts. How people see
rules may change (`printer`), and what nodes call chains does not change with it. A change here
renames the chains on all nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from .match import (
    AddressMatch,
    Icmp6TypeMatch,
    Match,
    Origin,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    StateMatch,
)
from .program import Goto, Jump, Lookup, Rule, Terminal, Verdict


def fingerprint(rules: Iterable[Rule]) -> str:
    """Return the text of the rules, a line each."""
    return "\n".join([rule_fingerprint(rule) for rule in rules])


def rule_fingerprint(rule: Rule) -> str:
    """Return the text of a rule, without a line break."""
    parts = *map(_match, rule.matches), _verdict(rule.verdict)
    return with_origins(ascii(parts), map(origin_fingerprint, rule.origins))


def origin_fingerprint(origin: Origin) -> str:
    """Return the text of an origin, for `with_origins`."""
    return ascii((origin.tier, origin.policy, origin.direction, origin.rule, origin.name))


def with_origins(rule: str, origins: Iterable[str]) -> str:
    """Return the text of a rule that has these origins, from its text without any."""
    return ";".join((rule, *origins))


def _match(match: Match) -> tuple[object, ...]:
    match match:
        case AddressMatch(field, family, intervals):
            return "address", field.value, family.value, intervals
        case SetMatch(fields, name):
            return "set", tuple([field.value for field in fields]), name
        case PortMatch(protocol, ports):
            return "port", int(protocol), ports
        case ProtocolMatch(protocols):
            return "protocol", tuple(map(int, protocols))
        case StateMatch(states):
            return "state", tuple([state.value for state in states])
        case Icmp6TypeMatch(types):
            return "icmp6-type", types
        case _:
            assert_never(match)


def _verdict(verdict: Verdict | Lookup) -> tuple[object, ...]:
    match verdict:
        case Terminal():
            return (verdict.value,)
        case Jump(chain):
            return "jump", chain
        case Goto(chain):
            return "goto", chain
        case Lookup(fields, name):
            return "lookup", tuple([field.value for field in fields]), name
        case _:
            assert_never(verdict)
