"""The nftables backend at the edges of sets and matches, as text and in the real nft."""

from __future__ import annotations

import pytest
from cnpc.backends.nftables.render import Nftables
from cnpc.compiler.ir.match import (
    AddressMatch,
    Field,
    Hook,
    Key,
    KeyType,
    Match,
    PortMatch,
    SetMatch,
)
from cnpc.compiler.ir.program import (
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
from cnpc.compiler.net import Family, Interval, Protocol
from nft import empty_namespace

ADDRESS = (KeyType.ADDRESS,)
SERVICE = (KeyType.ADDRESS, KeyType.PROTOCOL, KeyType.PORT)
V4_LAST, V6_LAST = Family.IPV4.max_address, Family.IPV6.max_address


def build(program: Program) -> str:
    return Nftables().build(program, ()).texts["nft"]


def table(*keys: Key, kinds: tuple[KeyType, ...] = ADDRESS, family: Family = Family.IPV4) -> Set:
    return Set("s", family, kinds, keys)


def one(address: int) -> Key:
    return ((address, address),)


WHOLE_PORTS: Interval = (0, 65535)
TCP: Interval = (6, 6)


@pytest.mark.requires_root_and_nft
@pytest.mark.parametrize(
    ("item", "element"),
    [
        (table(((0, V4_LAST),)), "0.0.0.0/0"),
        (table(((0, V6_LAST),), family=Family.IPV6), "::/0"),
        (table(((1, V4_LAST),)), "0.0.0.1-255.255.255.255"),
        (table(((0, V4_LAST - 1),)), "0.0.0.0-255.255.255.254"),
        (table(one(0)), "0.0.0.0"),  # noqa: S104 - a set element
        (table(one(V4_LAST)), "255.255.255.255"),
        (table(one(V6_LAST), family=Family.IPV6), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        (table(((1, V6_LAST),), family=Family.IPV6), "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        (table(((3, 12),)), "0.0.0.3-0.0.0.12"),
        (table(one(5), ((6, 6),)), "0.0.0.5, 0.0.0.6"),
        (table((WHOLE_PORTS,), kinds=(KeyType.PORT,)), "0-65535"),
        (table(((0, 0),), ((65535, 65535),), kinds=(KeyType.PORT,)), "0, 65535"),
        (table(((0, V4_LAST), TCP, WHOLE_PORTS), kinds=SERVICE), "0.0.0.0/0 . tcp . 0-65535"),
        (table(((3, 12), TCP, (1, 2)), kinds=SERVICE), "0.0.0.3-0.0.0.12 . tcp . 1-2"),
        (table(((3, 3), (47, 50), (0, 0)), kinds=SERVICE), "0.0.0.3 . 47-50 . 0"),
        (table(), ""),
    ],
)
def test_edges_of_sets(item: Set, element: str) -> None:
    fields = {KeyType.ADDRESS: Field.DADDR, KeyType.PROTOCOL: Field.PROTOCOL}
    match = SetMatch(tuple(fields.get(kind, Field.DPORT) for kind in item.key), "s")
    program = Program("n", (item,), (), (Chain("c", (Rule((match,), Terminal.DROP),)),))
    with empty_namespace() as space:
        space.load(build(program))
        listed = space.list("set", "inet", "cnpc", "s")
    assert ("elements = " in listed) is bool(element)
    assert f"elements = {{ {element} }}" in listed if element else "elements" not in listed


@pytest.mark.requires_root_and_nft
@pytest.mark.parametrize(
    ("match", "listed"),
    [
        (AddressMatch(Field.SADDR, Family.IPV4, ((0, V4_LAST),)), "ip saddr 0.0.0.0/0"),
        (AddressMatch(Field.DADDR, Family.IPV6, ((0, V6_LAST),)), "ip6 daddr ::/0"),
        (AddressMatch(Field.SADDR, Family.IPV4, ((3, 12),)), "ip saddr 0.0.0.3-0.0.0.12"),
        (
            AddressMatch(Field.SADDR, Family.IPV4, ((0, 4), (V4_LAST, V4_LAST))),
            "ip saddr { 0.0.0.0-0.0.0.4, 255.255.255.255 }",
        ),
        (PortMatch(Protocol.TCP, ((0, 0),)), "tcp dport 0"),
        (PortMatch(Protocol.UDP, ((0, 65534),)), "udp dport 0-65534"),
        (PortMatch(Protocol.SCTP, ((0, 0), (2, 65535))), "sctp dport { 0, 2-65535 }"),
    ],
)
def test_edges_of_matches(match: Match, listed: str) -> None:
    program = Program("n", (), (), (Chain("c", (Rule((match,), Terminal.DROP),)),))
    with empty_namespace() as space:
        space.load(build(program))
        assert f"{listed} drop" in space.own()


@pytest.mark.requires_root_and_nft
def test_large_sets_load_and_leave_room() -> None:
    keys = tuple(one(0x0A000000 + 2 * number) for number in range(10_000))
    verdicts: tuple[Verdict, ...] = (Jump("c"), Goto("c"), Terminal.DROP)
    elements = tuple((key, verdicts[number % 3]) for number, key in enumerate(keys))
    ranges = tuple(((6 * number, 6 * number + 4),) for number in range(10_000))
    program = Program(
        "n",
        (table(*keys), Set("t", Family.IPV4, ADDRESS, ranges)),
        (map_of("m", Family.IPV4, ADDRESS, elements),),
        (Chain("c", ()), Chain("f", (Rule((), Lookup((Field.SADDR,), "m")),), Hook.FORWARD)),
    )
    more = ", ".join(f"192.0.{number // 256}.{number % 256}" for number in range(10_000))
    with empty_namespace() as space:
        space.load(build(program))
        space.load(f"add element inet cnpc s {{ {more} }}")
        assert "size 32768" in space.own()


@pytest.mark.parametrize(
    ("number", "size"), [(0, 16), (1, 16), (7, 16), (8, 32), (15, 32), (16, 64), (1000, 2048)]
)
def test_sizes_are_twice_the_elements_in_powers_of_two(number: int, size: int) -> None:
    text = build(Program("n", (table(*(one(value) for value in range(number))),), (), ()))
    assert f"\t\tsize {size}\n" in text
    assert size >= 2 * number


def test_shared_chains_are_rendered_anew_where_they_differ() -> None:
    backend = Nftables()
    chain = Chain("c", (Rule((), Terminal.DROP),))
    first = backend.build(Program("a", (table(one(1)),), (), (chain,)), ()).texts["nft"]
    other = Program("b", (table(one(2)),), (), (Chain("c", (Rule((), Terminal.ACCEPT),)),))
    assert backend.build(other, ()).texts["nft"] == build(other) != first
    again = Program("a", (table(one(1)),), (), (chain,))
    assert backend.build(again, ()).texts["nft"] == first
