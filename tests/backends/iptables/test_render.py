"""The iptables backend's texts: limits at their edges, and what loading them leaves and spares."""

from __future__ import annotations

import pytest
from cnpc.backends.base import Ruleset
from cnpc.backends.iptables.chain_names import SMALLEST_STOCK, assign
from cnpc.backends.iptables.ipset import NAME_BYTES, ipset
from cnpc.backends.iptables.render import Iptables
from cnpc.backends.iptables.rules import COMMENT_BYTES, MULTIPORT_SLOTS
from cnpc.compiler.errors import InputError
from cnpc.compiler.ir.match import Hook, KeyType, Origin, PortMatch
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.ir.program import Chain, Goto, Program, Rule, Set, Terminal
from cnpc.compiler.net import Family, Interval, Protocol
from msgspec.structs import replace

CHAIN_BYTES = 28  # iptables(8): a chain's name is shorter than 29 characters
FLAVOURS = ("legacy", "nft")
SEEDS = range(80)

SOURCE = """program "n"

set pods4 ipv4 address "pods" {
  10.0.0.1
}

set all4 ipv4 address "networks" {
  0.0.0.0-255.255.255.255
}

set all6 ipv6 address "networks" {
  ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
}

set services ipv4 address . protocol . port {
  10.0.0.1 . tcp . 80-81
}

set names ipv4 address dynamic "domain names" {
}

chain a {
  saddr @pods4 tcp 80 return ; Admin "p" ingress 0 "first"
  saddr @all4 udp 53 return
  saddr @all6 udp 53 return
  saddr . protocol . dport @services return
  daddr @names return
  daddr 10.0.1.1-10.0.1.3 drop
  tcp any reject-reset
  reject-prohibited
}

chain forward hook forward {
  state established accept
  jump a
}
"""

OTHERS = """*filter
:DOCKER-USER - [0:0]
:EMPTY - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -s 192.0.2.0/24 -m comment --comment "not ours" -j DROP
-A INPUT -p tcp --dport 22 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
*nat
:CNPC-NAT - [0:0]
-A PREROUTING -j CNPC-NAT
COMMIT
"""


def build(program: Program) -> Ruleset:
    return Iptables().build(program, ())


def rules(text: str, chain: str = "") -> list[str]:
    """Return the rules of the table that comes first."""
    lines = text.partition("\nCOMMIT\n")[0].splitlines()
    return [line for line in lines if line.startswith(f"-A CNPC-{chain}")]


def one_chain(*given: Rule) -> Program:
    """Return a program whose only chain judges what is forwarded."""
    return Program("n", (), (), (Chain("forward", given, Hook.FORWARD),))


def _onwards(chain: str) -> tuple[Rule, ...]:
    """Return a rule that leads to the chain and says why."""
    return (Rule((), Goto(chain), (Origin("Admin", "p", "ingress", 0),)),)


def test_the_rules_of_everything() -> None:
    ruleset = build(parse_program(SOURCE))
    assert list(ruleset.texts) == ["ipset", "v4", "v6"]
    in_a = [line.split(" ", 2)[2] for line in rules(ruleset.texts["v4"]) if "FORWARD" not in line]
    sets = {line.split()[1] for line in ruleset.texts["ipset"].splitlines() if "create" in line}
    pods, everything, services = (
        next(name for name in sets if name.startswith(f"cnpc-{kind}"))
        for kind in ("pods4", "all4", "services")
    )
    comment = '-m comment --comment "Admin p ingress[0] first"'
    assert in_a == [
        f"-p tcp --dport 80 -m set --match-set {pods} src {comment} -j RETURN",
        f"-p udp --dport 53 -m set --match-set {everything} src -j RETURN",
        f"-m set --match-set {services} src,dst -j RETURN",
        "-m set --match-set cnpc-names dst -j RETURN",
        "-m iprange --dst-range 10.0.1.1-10.0.1.3 -j DROP",
        "-p tcp -j REJECT --reject-with tcp-reset",
        "-j REJECT --reject-with icmp-admin-prohibited",
    ]
    six = [line for line in rules(ruleset.texts["v6"]) if "REJECT" in line]
    assert six[-1].endswith("-j REJECT --reject-with icmp6-adm-prohibited")


def test_accepting_leaves_the_hosts_rules_in_force() -> None:
    text = build(parse_program(SOURCE)).texts["v4"]
    assert rules(text, "FORWARD")[0].endswith("--ctstate ESTABLISHED -j RETURN")
    assert "ACCEPT" not in text


@pytest.mark.parametrize(
    ("ports", "lines"),
    [
        ([(1, 1)], ["--dport 1"]),
        ([(1, 5)], ["--dport 1:5"]),
        ([(n, n) for n in range(1, 30, 2)], [f"--dports {','.join(map(str, range(1, 30, 2)))}"]),
        (
            [(n, n) for n in range(1, 32, 2)],
            [f"--dports {','.join(map(str, range(1, 30, 2)))}", "--dports 31"],
        ),
        (
            [(n, n + 1) for n in range(0, 24, 3)],
            [f"--dports {','.join(f'{n}:{n + 1}' for n in range(0, 21, 3))}", "--dports 21:22"],
        ),
    ],
)
def test_edges_of_multiport(ports: list[Interval], lines: list[str]) -> None:
    match = PortMatch(Protocol.TCP, tuple(ports))
    text = build(one_chain(Rule((match,), Terminal.DROP))).texts["v4"]
    found = rules(text, "FORWARD")
    assert [line.split("-j")[0].split("-p tcp")[1].removeprefix(" -m multiport").strip()
            for line in found] == lines  # fmt: skip
    for line in found:
        if "--dports" in line:
            listed = line.split("--dports ")[1].split()[0].split(",")
            assert sum(2 if ":" in item else 1 for item in listed) <= MULTIPORT_SLOTS


@pytest.mark.parametrize("length", [COMMENT_BYTES, COMMENT_BYTES + 1, 1000])
def test_edges_of_comments(length: int) -> None:
    start = len("Admin  ingress[0]")
    origin = Origin("Admin", "x" * (length - start), "ingress", 0)
    text = build(one_chain(Rule((), Terminal.DROP, (origin,)))).texts["v4"]
    comment = rules(text, "FORWARD")[0].split('"')[1]
    assert len(comment) == COMMENT_BYTES
    assert comment.endswith("...") == (length > COMMENT_BYTES)


@pytest.mark.parametrize("length", [1, 18, 19, 40, 200])
def test_edges_of_set_names(length: int) -> None:
    item = Set("x" * length, Family.IPV4, (KeyType.ADDRESS,), (((1, 1),),))
    other = replace(item, name=f"{'x' * length}y")
    names = [made for one in (item, other) for made in (ipset(one).name, ipset(one).aside)]
    assert all(len(name) <= NAME_BYTES for name in names)
    assert ipset(item).name != ipset(other).name
    assert (f"cnpc-{item.name}-" in ipset(item).name) == (length <= 18)


@pytest.mark.parametrize("number", [0, 1, 511, 512, 5000])
def test_edges_of_the_stock_of_chain_names(number: int) -> None:
    slots = assign([f"chain {n}" for n in range(number)])
    names = [*slots.names.values(), *slots.unused]
    assert len(set(names)) == len(names) >= max(SMALLEST_STOCK, 2 * number)
    assert all(len(name) <= CHAIN_BYTES for name in names)


def test_a_chain_that_comes_moves_hardly_any_other() -> None:
    names = [f"chain {n}" for n in range(300)]
    before, after = assign(names).names, assign([*names, "another"]).names
    assert sum(before[name] != after[name] for name in names) <= 2


@pytest.mark.parametrize(
    ("interval", "entries", "kind"),
    [
        ((0, (1 << 32) - 1), ("0.0.0.0/1", "128.0.0.0/1"), "hash:net"),
        ((0, (1 << 31) - 1), ("0.0.0.0/1",), "hash:net"),
        ((0, (1 << 16)), ("0.0.0.0/16", "0.1.0.0"), "hash:net"),
        ((0, (1 << 16) - 1), ("0.0.0.0/16",), "hash:net"),
        ((7, 7), ("0.0.0.7",), "bitmap:ip range 0.0.0.7-0.0.0.7"),
        ((7, 8), ("0.0.0.7", "0.0.0.8"), "bitmap:ip range 0.0.0.7-0.0.0.8"),
        ((8, 11), ("0.0.0.8/30",), "bitmap:ip range 0.0.0.8-0.0.0.11"),
    ],
)
def test_edges_of_prefixes(interval: Interval, entries: tuple[str, ...], kind: str) -> None:
    made = ipset(Set("x", Family.IPV4, (KeyType.ADDRESS,), ((interval,),)))
    assert made.entries == entries
    sizes = " family inet hashsize 64 maxelem 16" if kind == "hash:net" else ""
    assert made.parameters == f"{kind}{sizes}"


@pytest.mark.parametrize(("apart", "kind"), [(767, "bitmap:ip"), (768, "hash:ip")])
def test_a_bitmap_is_not_too_sparse(apart: int, kind: str) -> None:
    elements = tuple(((n, n),) for n in (1, 2, 1 + apart))
    made = ipset(Set("x", Family.IPV4, (KeyType.ADDRESS,), elements))
    assert made.parameters.split()[0] == kind


@pytest.mark.parametrize(("number", "size"), [(0, 16), (7, 16), (8, 32), (65536, 262144)])
def test_sets_have_room_for_twice_their_elements(number: int, size: int) -> None:
    elements = tuple(((3 * n + 1, 3 * n + 1),) for n in range(number))
    made = ipset(Set("x", Family.IPV6, (KeyType.ADDRESS,), elements))
    hashsize = max(64, size // 2)
    assert made.parameters == f"hash:ip family inet6 hashsize {hashsize} maxelem {size}"


def test_many_neighbours_become_prefixes() -> None:
    elements = tuple(((n, n),) for n in range(4096))
    assert ipset(Set("x", Family.IPV4, (KeyType.ADDRESS,), elements)).entries == ("0.0.0.0/20",)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (
            one_chain(Rule((), Terminal.REJECT_RESET, (Origin("Admin", "p", "ingress", 3),))),
            r"Admin p ingress\[3\]: iptables cannot express a TCP reset for what may not be TCP",
        ),
        (
            Program(
                "n",
                (Set("s", Family.IPV4, (KeyType.ADDRESS, KeyType.ADDRESS), ()),),
                (),
                (Chain("forward", (), Hook.FORWARD),),
            ),
            "iptables cannot express the set s",
        ),
        (
            Program(
                "n",
                (),
                (),
                (
                    *(Chain(f"c{n:02}", _onwards(f"c{n + 1:02}")) for n in range(20)),
                    Chain("c20", ()),
                    Chain("forward", (Rule((), Goto("c00")),), Hook.FORWARD),
                ),
            ),
            "iptables cannot express chains more than 14 deep",
        ),
    ],
)
def test_what_cannot_be_expressed_is_an_error(program: Program, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build(program)
