"""The text from which chains are named: equal for equal rules alone, and it stays as it is."""

from __future__ import annotations

from cnpc.compiler.ir.fingerprint import fingerprint, rule_fingerprint
from cnpc.compiler.ir.match import (
    AddressMatch,
    Field,
    Icmp6TypeMatch,
    Origin,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    State,
    StateMatch,
)
from cnpc.compiler.ir.program import Goto, Jump, Lookup, Rule, Terminal
from cnpc.compiler.net import Family, Protocol
from programs import seeded

RULE = Rule(
    (
        AddressMatch(Field.SADDR, Family.IPV6, ((1 << 127, (1 << 127) + 1),)),
        SetMatch((Field.DADDR, Field.DPORT), "web"),
        PortMatch(Protocol.TCP, ((80, 80), (443, 443))),
        StateMatch((State.NEW, State.UNTRACKED)),
    ),
    Jump("a"),
    (Origin("Admin", "né", "ingress", 0, 'a "name"'), Origin("Baseline", "b", "egress")),
)

WRITTEN = (
    "(('address', 'saddr', 128, ((170141183460469231731687303715884105728, "
    "170141183460469231731687303715884105729),)), ('set', ('daddr', 'dport'), 'web'), "
    "('port', 6, ((80, 80), (443, 443))), ('state', ('new', 'untracked')), ('jump', 'a'))"
    ";('Admin', 'n\\xe9', 'ingress', 0, 'a \"name\"');('Baseline', 'b', 'egress', None, '')"
)


def test_what_is_written_stays() -> None:
    """Each change renames the chains on all nodes."""
    assert rule_fingerprint(RULE) == WRITTEN
    rest = Rule((ProtocolMatch((Protocol.UDP,)), Icmp6TypeMatch(((1, 4),))), Terminal.DROP)
    assert rule_fingerprint(rest) == "(('protocol', (17,)), ('icmp6-type', ((1, 4),)), ('drop',))"
    look_up = Rule((), Lookup((Field.SADDR, Field.DPORT), "m"))
    assert rule_fingerprint(look_up) == "(('lookup', ('saddr', 'dport'), 'm'),)"


def test_what_differs_anywhere_differs() -> None:
    rules = (
        Rule((), Jump("a")),
        Rule((), Goto("a")),
        Rule((), Lookup((Field.SADDR,), "a")),
        Rule((), Terminal.DROP),
        Rule((), Terminal.DROP, (Origin("Admin", "a;b", "ingress"),)),
        Rule((), Terminal.DROP, (Origin("Admin", "a", "ingress"), Origin("b", "", "ingress"))),
    )
    assert len(set(map(rule_fingerprint, rules))) == len(rules)
    assert fingerprint(rules) == "\n".join(map(rule_fingerprint, rules))


def test_rules_and_their_texts_are_one_to_one() -> None:
    found = {rule for seed in range(100) for chain in seeded(seed).chains for rule in chain.rules}
    texts = set(map(rule_fingerprint, found))
    assert len(texts) == len(found)
    assert not any("\n" in text for text in texts)
