"""The texts of the iptables backend in the real programs: what loading leaves, and spares."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import pytest
from cnpc.backends.base import Ruleset
from cnpc.backends.iptables.render import Iptables
from cnpc.compiler.errors import InputError
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.ir.program import Program
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
