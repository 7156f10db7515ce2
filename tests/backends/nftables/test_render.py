"""The nftables backend: its text, and what the real nft makes of it."""

from __future__ import annotations

import json
import random
from io import BytesIO
from typing import Any

import pytest
from cnpc.backends.nftables.render import Nftables
from cnpc.compiler.ir.match import (
    KeyType,
    Origin,
)
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.ir.program import (
    Chain,
    Program,
    Rule,
    Set,
    Terminal,
)
from cnpc.compiler.manifests.load import load
from cnpc.compiler.net import Family
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
