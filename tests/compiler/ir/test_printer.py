"""The text form: exact, and the same text and Program there and back."""

from __future__ import annotations

import pytest
from cnpc.compiler.ir.match import (
    AddressMatch,
    Field,
    Hook,
    Icmp6TypeMatch,
    KeyType,
    Match,
    Origin,
    PortMatch,
    ProtocolMatch,
    SetMatch,
    State,
    StateMatch,
)
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.ir.printer import print_key, print_program, print_rule, protocol_name
from cnpc.compiler.ir.program import Chain, Goto, Jump, Lookup, Map, Program, Rule, Set, Terminal
from cnpc.compiler.net import ANY_PORT, Family, Protocol
from hypothesis import given, settings
from programs import programs, seeded

WHOLE = r"""program "node \"1\"\n"

set dns ipv4 address dynamic "domain names a b" {
}

set s ipv6 address . protocol . port "caf\u00e9" {
  :: . tcp . 0-65535
  fd00::1-fd00::ff . 47-50 . 80
}

map m ipv4 address {
  0.0.0.0-9.255.255.255 : jump a
  10.0.0.1 : goto b
  10.0.0.2 : accept
}

map n ipv6 address {
  :: : return
}

chain a {
  saddr 10.0.0.0-10.255.255.255,192.0.2.1 daddr 10.0.0.1 drop ; Admin "p" ingress 3 "web"
  tcp any reject-reset
  udp 53,5353-5355 return ; NetworkPolicy "ns/p" egress - "" ; Baseline "q" egress 0 "\n\"\\"
}

chain b {
}

chain forward hook forward {
  state established accept
  state new,related,invalid,untracked protocol icmp,icmpv6 jump a
  icmp6-type 130-137,143 accept
  lookup daddr in m
  saddr . protocol . dport @s reject-prohibited
  saddr @dns goto b
}

chain input hook input {
}
"""

MATCHES: list[tuple[Match, str]] = [
    (AddressMatch(Field.SADDR, Family.IPV4, ((1, 1),)), "saddr 0.0.0.1"),
    (
        AddressMatch(Field.DADDR, Family.IPV6, ((0, 2**128 - 1),)),
        "daddr ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ),
    (SetMatch((Field.PROTOCOL, Field.DPORT), "s"), "protocol . dport @s"),
    (PortMatch(Protocol.TCP, ANY_PORT), "tcp any"),
    (PortMatch(Protocol.SCTP, ((0, 0), (65535, 65535))), "sctp 0,65535"),
    (PortMatch(Protocol.UDP, ((1, 65535),)), "udp 1-65535"),
    (ProtocolMatch((Protocol.ICMPV6,)), "protocol icmpv6"),
    (StateMatch((State.ESTABLISHED, State.NEW)), "state established,new"),
    (Icmp6TypeMatch(((133, 137),)), "icmp6-type 133-137"),
]


def test_a_whole_program_is_read_and_printed_as_it_was() -> None:
    assert print_program(parse_program(WHOLE)) == WHOLE


@pytest.mark.parametrize(("match", "text"), MATCHES, ids=[text for _, text in MATCHES])
def test_every_match_is_printed_and_read(match: Match, text: str) -> None:
    rule = Rule((match,), Terminal.DROP)
    assert print_rule(rule) == f"{text} drop"
    chain = parse_program(f'program ""\n\nchain a {{\n  {text} drop\n}}\n').chains[0]
    assert chain.rules == (rule,)


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        *((item, item.value) for item in Terminal),
        (Jump("a"), "jump a"),
        (Goto("drop"), "goto drop"),
        (Lookup((Field.PROTOCOL,), "hook"), "lookup protocol in hook"),
    ],
)
def test_every_verdict_is_printed_and_read(verdict: Terminal | Jump | Goto, text: str) -> None:
    rule = Rule((), verdict, (Origin("Admin", "", "ingress", None, ""),))
    assert print_rule(rule) == f'{text} ; Admin "" ingress - ""'
    program = Program("", (), (), (Chain("chain", (rule, Rule((), verdict))),))
    assert parse_program(print_program(program)) == program


@pytest.mark.parametrize(
    "name", ["\n", '"', "\\", "\\n", "\0", "\x7f", "\u2028", "é", "😀", "\ud800", "; }", "\t", "\r"]
)
def test_names_and_notes_of_any_text_come_back(name: str) -> None:
    rule = Rule((), Terminal.DROP, (Origin("Admin", name, "ingress", 0, name),))
    program = Program(
        name, (Set("s", Family.IPV4, (KeyType.PORT,), (), name),), (), (Chain("a", (rule,)),)
    )
    text = print_program(program)
    assert text.isascii()
    assert text.count("\n") == 8
    assert parse_program(text) == program


def test_words_of_the_grammar_are_names_too() -> None:
    words = ("accept", "any", "chain", "dynamic", "hook", "in", "jump", "map", "program", "set")
    rule = Rule((SetMatch((Field.SADDR,), "set"),), Goto("accept"))
    program = Program(
        "program",
        tuple(Set(word, Family.IPV4, (KeyType.ADDRESS,), ()) for word in words),
        tuple(Map(word, Family.IPV4, (KeyType.ADDRESS,), ()) for word in words),
        tuple(Chain(word, (rule,), Hook.INPUT) for word in words),
    )
    assert parse_program(print_program(program)) == program


def test_keys_and_protocols_in_words() -> None:
    key = ((0x0A000001, 0x0A000002), (47, 47), (0, 65535))
    types = (KeyType.ADDRESS, KeyType.PROTOCOL, KeyType.PORT)
    assert print_key(key, types, Family.IPV4) == "10.0.0.1-10.0.0.2 . 47 . 0-65535"
    assert protocol_name(58) == "icmpv6"
    assert protocol_name(255) == "255"


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_random_programs_come_back_byte_for_byte(first: int) -> None:
    for seed in range(first, first + 100):
        _comes_back(seeded(seed))


@given(program=programs())
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
def test_drawn_programs_come_back_byte_for_byte(program: Program) -> None:
    _comes_back(program)


def _comes_back(program: Program) -> None:
    text = print_program(program)
    again = parse_program(text)
    assert again == program
    assert print_program(again) == text
