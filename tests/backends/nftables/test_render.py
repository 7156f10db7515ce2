"""The nftables backend: its text, and what the real nft makes of it."""

from __future__ import annotations

import json
import random
from io import BytesIO
from typing import Any

import pytest
from cnpc.backends.nftables.render import Nftables
from cnpc.compiler.ir.match import (
    AddressMatch,
    Field,
    Hook,
    Key,
    KeyType,
    Match,
    Origin,
    PortMatch,
    SetMatch,
)
from cnpc.compiler.ir.parser import parse_program
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
from cnpc.compiler.manifests.load import load
from cnpc.compiler.net import Family, Interval, Protocol
from cnpc.compiler.passes import PASSES
from cnpc.compiler.pipeline import Pipeline
from nft import empty_namespace
from programs import seeded
from worlds import seeded as seeded_world

ADDRESS = (KeyType.ADDRESS,)
SERVICE = (KeyType.ADDRESS, KeyType.PROTOCOL, KeyType.PORT)
V4_LAST, V6_LAST = Family.IPV4.max_address, Family.IPV6.max_address

SOURCE = """program "n"

set dns ipv6 address dynamic "domain names a" {
}

set nets ipv4 address "networks" {
  0.0.0.0-9.255.255.255
  10.0.0.1
  10.0.0.3-10.0.0.6
  11.0.0.0-255.255.255.255
}

set services ipv4 protocol . port {
  tcp . 80
  47 . 1
  255 . 65535
}

map m ipv4 address {
  10.0.0.1 : jump a
  10.0.0.2 : goto a
  10.0.0.3 : accept
  10.0.0.4 : drop
  10.0.0.5 : return
}

map ports ipv6 protocol {
  tcp-udp : drop
}

chain a {
  saddr 10.0.0.0-10.0.0.255 tcp 80 return ; Admin "p" ingress 0 "a \\"b\\""
  daddr ::1,fd00::-fd00::1 udp 53,5353-5355 drop
  sctp any drop ; NetworkPolicy "ns/p" ingress - "" ; NetworkPolicy "ns/q" ingress - ""
  icmpv6 any reject-prohibited
  tcp any reject-reset
  protocol icmp,icmpv6 accept
  protocol udp goto b
  icmp6-type 130-137,143 accept
}

chain b {
}

chain forward hook forward {
  state established accept
  state new,related,invalid,untracked jump b
  lookup daddr in m
  lookup protocol in ports
  saddr @nets drop
  protocol . dport @services drop
  daddr @dns goto b
}

chain input hook input {
}
"""

TEXT = """# made from
#
# two

# Declared, deleted and declared again: whatever was there, this is all that there is afterwards.
table inet cnpc
delete table inet cnpc
table inet cnpc {
	set dns {
		type ipv6_addr
		flags timeout
		size 65535
		comment "domain names a"
	}

	set nets {
		type ipv4_addr
		flags interval
		comment "networks"
		elements = {
			0.0.0.0-9.255.255.255,
			10.0.0.1,
			10.0.0.3-10.0.0.6,
			11.0.0.0-255.255.255.255
		}
	}

	set services {
		type inet_proto . inet_service
		size 16
		elements = {
			tcp . 80,
			47 . 1,
			255 . 65535
		}
	}

	map m {
		type ipv4_addr : verdict
		size 16
		elements = {
			10.0.0.2 : goto a,
			10.0.0.1 : jump a,
			10.0.0.3 : accept,
			10.0.0.4 : drop,
			10.0.0.5 : return
		}
	}

	map ports {
		type inet_proto : verdict
		flags interval
		elements = {
			6-17 : drop
		}
	}

	chain a {
		ip saddr 10.0.0.0/24 tcp dport 80 return comment "Admin p ingress[0] a %22b%22"
		ip6 daddr { ::1, fd00::/127 } udp dport { 53, 5353-5355 } drop
		meta l4proto sctp drop comment "NetworkPolicy ns/p ingress isolation +1"
		meta l4proto ipv6-icmp reject with icmpx type admin-prohibited
		meta l4proto tcp reject with tcp reset
		meta l4proto { icmp, ipv6-icmp } accept
		meta l4proto udp goto b
		icmpv6 type { 130-137, 143 } accept
	}

	chain b {
	}

	chain forward {
		type filter hook forward priority -5; policy accept;
		ct state established accept
		ct state new,related,invalid,untracked jump b
		ip daddr vmap @m
		meta nfproto ipv6 meta l4proto vmap @ports
		ip saddr @nets drop
		meta nfproto ipv4 meta l4proto . th dport @services drop
		ip6 daddr @dns goto b
	}

	chain input {
		type filter hook input priority -5; policy accept;
	}
}
"""


def build(program: Program) -> str:
    return Nftables().build(program, ()).texts["nft"]


def test_the_text_of_everything() -> None:
    ruleset = Nftables().build(parse_program(SOURCE), ("made from", "", "two"))
    assert ruleset.node == "n"
    assert ruleset.texts == {"nft": TEXT}
    size = ruleset.size
    assert (size.chains, size.rules, size.sets, size.elements) == (4, 15, 5 + 4, 4 + 3 + 5 + 1)


@pytest.mark.requires_root_and_nft
def test_loading_twice_is_loading_once_and_others_stay() -> None:
    others = (
        'table ip cnpc {\n chain forward { type filter hook forward priority 0; comment "x"; }\n}\n'
        "table inet other {\n set s { type ipv4_addr; elements = { 10.0.0.1 } }\n"
        " chain c { ip saddr @s counter drop; }\n}\n"
        "table bridge b {\n}\n"
    )
    text = build(parse_program(SOURCE))
    with empty_namespace() as alone:
        alone.load(text)
        once = alone.own()
        alone.load(text)
        assert alone.own() == once
    with empty_namespace() as shared:
        shared.load(others)
        before = shared.list("ruleset")
        shared.load(text)
        shared.load(build(Program("n", (), (), ())))
        shared.load(text)
        assert shared.own() == once
        assert shared.list("ruleset").startswith(before)
        assert shared.list("ruleset") == f"{before}{once}"


@pytest.mark.requires_root_and_nft
def test_what_is_loaded_says_what_was_meant() -> None:
    with empty_namespace() as space:
        space.load(build(parse_program(SOURCE)))
        listed = [line.strip() for line in space.own().splitlines()]
    for line in (
        'ip saddr 10.0.0.0/24 tcp dport 80 return comment "Admin p ingress[0] a %22b%22"',
        "meta nfproto ipv4 meta l4proto . th dport @services drop",
        "type filter hook forward priority filter - 5; policy accept;",
        "size 16",
        'comment "networks"',
    ):
        assert line in listed


@pytest.mark.requires_root_and_nft
def test_random_programs_load_twice() -> None:
    with empty_namespace() as space:
        for seed in range(40):
            text = build(seeded(seed))
            space.load(text)
            once = space.own()
            space.load(text)
            assert space.own() == once


NAMES = (
    *('"', "%", "$", "\\", "\n", "}", "#", "😀", "*", "$x", "a*", "\\*", "'", ";", "\0", "{", "é"),
    *("-", "@s", "/*", "\\\n", "x" * 300, "😀" * 100, "x" + "😀" * 100, '"' * 100, "\x1b[31m"),
)


@pytest.mark.requires_root_and_nft
def test_names_of_any_text_load_and_stay_within_their_comment() -> None:
    rules = tuple(
        Rule((), Terminal.RETURN, (Origin("Admin", name, "ingress", 0, name),)) for name in NAMES
    )
    sets = tuple(
        Set(f"s{number:02}", Family.IPV4, ADDRESS, (), name) for number, name in enumerate(NAMES)
    )
    ruleset = Nftables().build(Program("n", sets, (), (Chain("a", rules),)), ())
    with empty_namespace() as space:
        space.load(ruleset.texts["nft"])
        listed = space.own()
    comments = [line.split('comment "')[1] for line in listed.splitlines() if 'comment "' in line]
    assert len(comments) == 2 * len(NAMES)
    assert all(len(text.removesuffix('"').encode()) <= 128 for text in comments)
    assert all(text.count('"') == 1 for text in comments)


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


def texts(documents: list[dict[str, Any]], level: int) -> dict[str, str]:
    stream = "\n".join(f"---\n{json.dumps(document)}" for document in documents)
    inputs = load(["-"], stdin=BytesIO(stream.encode()))
    pipeline = Pipeline(inputs.snapshot, inputs.policies, level=level)
    backend = Nftables()
    return {
        node: backend.build(pipeline.program(node), ()).texts["nft"]
        for node in pipeline.resolver.node_names()
    }


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_documents_does_not_show(seed: int) -> None:
    documents = list(seeded_world(seed).documents)
    expected = [texts(documents, level) for level in PASSES]
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for _ in range(3):
        chance.shuffle(documents)
        assert [texts(documents, level) for level in PASSES] == expected


@pytest.mark.requires_root_and_nft
@pytest.mark.parametrize("seed", range(0, 40, 10))
def test_compiled_worlds_load(seed: int) -> None:
    with empty_namespace() as space:
        for number in range(seed, seed + 5):
            documents = list(seeded_world(number).documents)
            for level in PASSES:
                for text in texts(documents, level).values():
                    space.load(text)


def test_shared_chains_are_rendered_anew_where_they_differ() -> None:
    backend = Nftables()
    chain = Chain("c", (Rule((), Terminal.DROP),))
    first = backend.build(Program("a", (table(one(1)),), (), (chain,)), ()).texts["nft"]
    other = Program("b", (table(one(2)),), (), (Chain("c", (Rule((), Terminal.ACCEPT),)),))
    assert backend.build(other, ()).texts["nft"] == build(other) != first
    again = Program("a", (table(one(1)),), (), (chain,))
    assert backend.build(again, ()).texts["nft"] == first
