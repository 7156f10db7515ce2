"""The emitted text read back, piece by piece."""

from __future__ import annotations

import pytest
from cnpc.backends.nft_size import size
from cnpc.backends.nft_text import UnreadError, read_text
from cnpc.compiler.net import Protocol

RULESET = """\
# a comment { \t}
table inet cnpc
delete table inet cnpc
table inet cnpc {
\tset pods4_1 {
\t\ttype ipv4_addr
\t\tsize 16
\t\tcomment "pods app=a } {"
\t\telements = {
\t\t\t10.0.0.1,
\t\t\t10.0.0.2
\t\t}
\t}

\tset nets6_1 {
\t\ttype ipv6_addr
\t\tflags interval
\t\telements = {
\t\t\tfd00::/16,
\t\t\tfe80::1-fe80::3
\t\t}
\t}

\tmap ports {
\t\ttype ipv4_addr . inet_proto . inet_service : verdict
\t\tsize 16
\t\telements = {
\t\t\t10.0.0.9 . tcp . 80 : goto quiet
\t\t}
\t}

\tset nobody {
\t\ttype ipv4_addr
\t\tsize 16
\t}

\tchain quiet {
\t}

\tchain forward {
\t\ttype filter hook forward priority -5; policy accept;
\t\tct state invalid,related jump quiet
\t\tip saddr @pods4_1 tcp dport { 80, 8000-8010 } return comment "Admin a ingress[0]"
\t\tip saddr . meta l4proto . th dport vmap @ports
\t\tmeta l4proto { icmp, ipv6-icmp } drop
\t\tth dport vmap { 1 : drop, 2-3 : goto quiet }
\t\treject with icmpx type admin-prohibited
\t}
}
"""


def test_tables_keep_their_keys_and_verdicts() -> None:
    tables = read_text(RULESET).tables
    assert list(tables) == ["pods4_1", "nets6_1", "ports", "nobody"]
    assert [key for key, _ in tables["pods4_1"].entries()] == [
        ((0x0A000001,) * 2,),
        ((0x0A000002,) * 2,),
    ]
    assert tables["nets6_1"].interval
    low = 0xFE80 << 112
    assert list(tables["nets6_1"].entries())[1] == (((low + 1, low + 3),), "")
    assert tables["ports"].verdicts
    assert list(tables["ports"].entries()) == [
        (((0x0A000009,) * 2, (Protocol.TCP,) * 2, (80, 80)), "goto quiet")
    ]
    assert list(tables["nobody"].entries()) == []


def test_rules_come_apart_into_tests_and_a_verdict() -> None:
    chains = read_text(RULESET).chains
    assert chains["quiet"].rules == ()
    assert chains["forward"].hook == "forward"
    state, ports, pairs, protocols, numbers, rest = chains["forward"].rules
    assert state.tests[0].value == "invalid,related"
    assert [test.fields for test in ports.tests] == [("ip saddr",), ("tcp dport",)]
    assert ports.verdict == "return"
    assert pairs.tests[0].fields == ("ip saddr", "meta l4proto", "th dport")
    assert pairs.tests[0].verdicts
    assert not pairs.verdict
    assert protocols.tests[0].table is not None
    assert numbers.tests[0].verdicts
    assert rest.verdict == "reject with icmpx type admin-prohibited"


def test_anonymous_tables_know_whether_they_hold_intervals() -> None:
    found = [(item.types, item.interval) for item in read_text(RULESET).anonymous()]
    assert found == [
        (("inet_service",), True),
        (("inet_proto",), False),
        (("inet_service",), True),
    ]


def test_the_size_counts_what_is_in_rules_too() -> None:
    found = size(read_text(RULESET))
    assert (found.chains, found.rules) == (2, 6)
    assert (found.sets, found.maps, found.anonymous) == (5, 2, 3)
    assert found.elements == 2 + 2 + 1 + 2 + 2 + 2
    assert found.kernel_bytes > 0


def test_a_set_of_ports_takes_its_bitmap_and_one_of_ranges_does_not() -> None:
    def kernel_bytes(ports: str) -> int:
        chain = f"\tchain c {{\n\t\ttcp dport {{ {ports} }} drop\n\t}}\n"
        return size(read_text(f"table inet cnpc {{\n{chain}}}\n")).kernel_bytes

    assert kernel_bytes("1, 2") > 30_000 > kernel_bytes("1-2, 4-5")


@pytest.mark.parametrize("rule", ["meta mark 1 drop", "tcp dport 80 queue", "ip saddr"])
def test_a_rule_that_is_not_understood_is_refused(rule: str) -> None:
    with pytest.raises(UnreadError):
        read_text(f"table inet cnpc {{\n\tchain c {{\n\t\t{rule}\n\t}}\n}}\n")
