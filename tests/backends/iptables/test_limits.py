"""What lies at the edges of iptables' and ipset's limits, loaded into the kernel."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from cnpc.backends.iptables import ipset as ipset_texts
from cnpc.backends.iptables.chain_names import assign
from cnpc.backends.iptables.ipset import NAME_BYTES, ipset
from cnpc.backends.iptables.node.tools import FLAVOURS
from cnpc.backends.iptables.render import Iptables
from cnpc.backends.iptables.rules import COMMENT_BYTES, MULTIPORT_SLOTS
from cnpc.backends.text import room
from cnpc.compiler.ir.match import Field, Hook, KeyType, Origin, PortMatch, SetMatch
from cnpc.compiler.ir.program import Chain, Program, Rule, Set, Terminal
from cnpc.compiler.net import Family, Interval, Protocol
from netcluster import ClusterError, IptablesLoader, Namespace
from netcluster.namespaces import run

pytestmark = pytest.mark.requires_root_and_nft

CHAIN_BYTES = 28
ADDRESS = (KeyType.ADDRESS,)
ENDS = {
    Family.IPV4: ("0.0.0.0", "255.255.255.255", "127.255.255.255", "128.0.0.0"),  # noqa: S104 - no server binds it
    Family.IPV6: ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "7fff::", "8000::"),
}

by_flavour = pytest.mark.parametrize("flavour", FLAVOURS)


def filled(name: str, family: Family, *intervals: Interval) -> Set:
    return Set(name, family, ADDRESS, tuple((interval,) for interval in intervals))


def load(flavour: str, sets: tuple[Set, ...], *rules: Rule) -> None:
    """Load a program of one chain."""
    program = Program("n", sets, (), (Chain("forward", rules, Hook.FORWARD),))
    IptablesLoader(flavour).load(Iptables().build(program, ()).texts)


def saved(flavour: str) -> str:
    return run((f"iptables-{flavour}-save",))


@by_flavour
def test_the_longest_name_of_a_set(space: Namespace, flavour: str) -> None:  # noqa: ARG001 - be in it
    item = filled("x" * 100, Family.IPV4, (1, 1))
    name = ipset(item).name
    assert len(name) == NAME_BYTES
    load(flavour, (item,), Rule((SetMatch((Field.SADDR,), item.name),), Terminal.DROP))
    assert f"--match-set {name} src" in saved(flavour)
    with pytest.raises(ClusterError):
        run(("ipset", "create", "x" * (NAME_BYTES + 1), "hash:ip"))


@by_flavour
def test_the_longest_name_of_a_chain(space: Namespace, flavour: str) -> None:  # noqa: ARG001 - be in it
    names = assign([f"chain {n}" for n in range(5000)]).names.values()
    assert max(map(len, names)) <= CHAIN_BYTES
    run((f"iptables-{flavour}", "-N", "x" * CHAIN_BYTES))
    with pytest.raises(ClusterError):
        run((f"iptables-{flavour}", "-N", "x" * (CHAIN_BYTES + 1)))


@by_flavour
def test_the_longest_comment(space: Namespace, flavour: str) -> None:  # noqa: ARG001 - be in it
    load(flavour, (), Rule((), Terminal.DROP, (Origin("Admin", "x" * 1000, "ingress", 0),)))
    (line,) = (item for item in saved(flavour).splitlines() if "comment" in item)
    assert len(line.split('"')[1]) == COMMENT_BYTES


@by_flavour
@pytest.mark.parametrize("width", [1, 2])
def test_the_most_ports_of_a_rule(space: Namespace, flavour: str, width: int) -> None:  # noqa: ARG001 - be in it
    ports = tuple((3 * n + 1, 3 * n + width) for n in range(40))
    load(flavour, (), Rule((PortMatch(Protocol.TCP, ports),), Terminal.DROP))
    lines = [item for item in saved(flavour).splitlines() if "--dports" in item]
    listed = [line.split("--dports ")[1].split()[0].split(",") for line in lines]
    assert len(listed[0]) == MULTIPORT_SLOTS // width
    assert [word for words in listed for word in words] == [
        str(low) if low == high else f"{low}:{high}" for low, high in ports
    ]


@pytest.mark.parametrize("number", [7, 8, 16, 1023, 1024])
@pytest.mark.parametrize("family", Family)
def test_a_set_holds_what_it_has_room_for(space: Namespace, family: Family, number: int) -> None:  # noqa: ARG001 - be in it
    apart = 1 << 10  # too far from one another for a bitmap
    item = filled("x", family, *((apart * n, apart * n) for n in range(1, number + 1)))
    load("legacy", (item,))
    listed = run(("ipset", "list", ipset(item).name, "-t"))
    assert f"Number of entries: {number}\n" in f"{listed}\n"
    assert f" maxelem {room(number)} " in listed
    assert room(number) >= 2 * number


_TOP = (1 << 32) - 1


@by_flavour
@pytest.mark.parametrize(
    "intervals",
    [
        ((0, 0),),
        ((_TOP, _TOP),),
        ((0, 0), (0xFFFC, 0xFFFF)),
        ((_TOP - 0xFFFF, _TOP - 0xFF),),
        ((8, 11), (13, 13)),
    ],
)
def test_a_bitmap_holds_its_ends(
    space: Namespace,  # noqa: ARG001 - be in it
    flavour: str,
    intervals: tuple[Interval, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ipset_texts, "_BITS", 1 << 16)
    item = filled("x", Family.IPV4, *intervals)
    load(flavour, (item,), Rule((SetMatch((Field.SADDR,), item.name),), Terminal.DROP))
    made = ipset(item)
    assert made.parameters.startswith("bitmap:ip ")
    saved_set = run(("ipset", "save", made.name)).splitlines()
    addresses = {str(IPv4Address(n)) for low, high in intervals for n in range(low, high + 1)}
    assert {line.split()[2] for line in saved_set if line.startswith("add ")} == addresses


@by_flavour
@pytest.mark.parametrize("family", Family)
def test_all_addresses(space: Namespace, family: Family, flavour: str) -> None:  # noqa: ARG001 - be in it
    item = filled("all", family, (0, family.max_address))
    load(flavour, (item,), Rule((SetMatch((Field.SADDR,), item.name),), Terminal.DROP))
    for address in ENDS[family]:
        run(("ipset", "test", ipset(item).name, address))
