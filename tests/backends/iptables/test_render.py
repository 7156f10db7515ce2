"""The iptables backend's texts: limits at their edges, and what loading them leaves and spares."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

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
from netcluster import ClusterError, IptablesLoader, Namespace
from programs import seeded

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


@contextmanager
def empty_namespace() -> Iterator[Namespace]:
    space = Namespace()
    try:
        yield space
    finally:
        space.close()


def load(space: Namespace, flavour: str, ruleset: Ruleset) -> None:
    with space.entered():
        IptablesLoader(flavour).load(ruleset.texts)


def saved(space: Namespace, flavour: str) -> str:
    """Return all rules and sets, without counters and times."""
    texts = [space.run((f"{name}-{flavour}-save",)) for name in ("iptables", "ip6tables")]
    lines = [line for text in texts for line in text.splitlines() if not line.startswith("#")]
    sets = sorted(line.split(" initval")[0] for line in space.run(("ipset", "save")).splitlines())
    return "\n".join((*lines, *sets))


def destroy_unused_sets(space: Namespace) -> None:
    """Do what docs/iptables.md says: the kernel keeps the sets that a rule uses."""
    for name in space.run(("ipset", "list", "-name")).split():
        if name.startswith("cnpc-"):
            with space.entered():
                subprocess.run(("ipset", "destroy", name), check=False, capture_output=True)


by_flavour = pytest.mark.parametrize("flavour", FLAVOURS)


@pytest.mark.requires_root_and_nft
@by_flavour
def test_loading_twice_is_loading_once(flavour: str) -> None:
    ruleset = build(parse_program(SOURCE))
    with empty_namespace() as space:
        load(space, flavour, ruleset)
        once = saved(space, flavour)
        load(space, flavour, ruleset)
        assert saved(space, flavour) == once
        assert once.count("-A FORWARD -j CNPC-FORWARD") == 4  # one a family and table
        assert once.count("-A INPUT -j CNPC-INPUT") == 4


@pytest.mark.requires_root_and_nft
@by_flavour
def test_the_first_load_is_in_force_although_it_ends_with_an_error(flavour: str) -> None:
    texts = build(parse_program(SOURCE)).texts
    restore = (f"iptables-{flavour}-restore", "--noflush")
    with empty_namespace() as space:
        space.run(("ipset", "restore"), texts["ipset"])
        with pytest.raises(ClusterError):
            space.run(restore, texts["v4"])
        once = saved(space, flavour)
        space.run(restore, texts["v4"])
        assert saved(space, flavour) == once


@pytest.mark.requires_root_and_nft
@by_flavour
def test_with_the_jumps_in_place_the_first_load_ends_well(flavour: str) -> None:
    texts = build(parse_program(SOURCE)).texts
    with empty_namespace() as space:
        space.run(("ipset", "restore"), texts["ipset"])
        for table, hook in product(("filter", "security"), ("FORWARD", "INPUT")):
            space.run((f"iptables-{flavour}", "-t", table, "-N", f"CNPC-{hook}"))
            space.run((f"iptables-{flavour}", "-t", table, "-I", hook, "-j", f"CNPC-{hook}"))
        space.run((f"iptables-{flavour}-restore", "--noflush"), texts["v4"])


@pytest.mark.requires_root_and_nft
@by_flavour
def test_a_new_version_leaves_nothing_of_the_old_and_others_stay(flavour: str) -> None:
    old = build(parse_program(SOURCE))
    new = build(parse_program(SOURCE.replace("10.0.0.1", "10.0.0.9").replace("chain a", "chain b")
                             .replace("jump a", "jump b")))  # fmt: skip
    assert new.texts["v4"] != old.texts["v4"]
    with empty_namespace() as space:
        load(space, flavour, new)
        alone = saved(space, flavour)
    with empty_namespace() as space:
        space.run((f"iptables-{flavour}-restore",), OTHERS)
        space.run(("ipset", "create", "theirs", "hash:ip"))
        before = saved(space, flavour)
        load(space, flavour, old)
        load(space, flavour, new)
        destroy_unused_sets(space)
        after = saved(space, flavour)
        assert [line for line in after.splitlines() if _is_ours(line)] == [
            line for line in alone.splitlines() if _is_ours(line)
        ]
        others = [line for line in after.splitlines() if not _is_ours(line)]
        assert sorted(others) == sorted(_with_tables(before, after))
        assert after.index("-A FORWARD -j CNPC-FORWARD") < after.index("-A FORWARD -j DOCKER-USER")


def _is_ours(line: str) -> bool:
    return "cnpc-" in line or ("CNPC-" in line and "NAT" not in line and "nat" not in line)


def _with_tables(before: str, after: str) -> list[str]:
    """Return the lines before, with the heads of the tables that our load made visible."""
    lines = before.splitlines()
    heads = [":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", "COMMIT"]
    for table in ("*filter", "*security"):
        missing = after.splitlines().count(table) - before.splitlines().count(table)
        lines += [table, *heads] * missing
    return lines


@pytest.mark.requires_root_and_nft
@by_flavour
def test_random_programs_load_or_are_refused_with_a_reason(flavour: str) -> None:
    loaded = 0
    with empty_namespace() as space:
        for seed in SEEDS:
            try:
                ruleset = build(seeded(seed))
            except InputError:
                continue
            loaded += 1
            load(space, flavour, ruleset)
            with space.entered():
                IptablesLoader(flavour).clear()
    assert loaded > len(SEEDS) / 4


def test_shared_sets_are_rendered_anew_where_they_differ() -> None:
    program = parse_program(SOURCE)
    other = parse_program(SOURCE.replace("  10.0.0.1\n", "  10.0.0.2\n"))
    backend = Iptables()
    assert backend.build(program, ()) == build(program)
    assert backend.build(other, ()) == build(other)
