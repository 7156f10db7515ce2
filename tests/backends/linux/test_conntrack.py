"""--cut-established by real connections: what the new ruleset denies ends, and nothing else."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cnpc.backends.apply.dataplane import RulesetSource
from cnpc.backends.apply.engine import Engine
from cnpc.backends.nftables.node.dataplane import ruleset_source
from cnpc.compiler.ir.parser import parse_program
from engines import KINDS, kernel_engine
from netcluster import OUTSIDE, Cluster
from rulesets import trio_of
from small_cluster import ADDRESS, A, B, C

pytestmark = pytest.mark.requires_root_and_nft

TEXT = """
table inet cnpc
delete table inet cnpc
table inet cnpc {{
	map ingress4 {{
		type ipv4_addr : verdict
		size 16
		elements = {{
			{a} : jump only
		}}
	}}

	chain only {{
		{rule}
		drop
	}}

	chain forward {{
		type filter hook forward priority -5; policy accept;
		ct state established accept
		ip daddr vmap @ingress4
	}}
}}
"""


SOURCE = """program "n1"

chain only {{
  {rule}
  drop
}}

chain forward hook forward {{
  state established accept
  daddr {a} jump only
}}
"""


def ruleset(kind: str, source: str) -> RulesetSource[Any]:
    """Return the ruleset that lets who comes from there begin a connection to A."""
    a = ADDRESS[A][0]
    if kind == "nftables":
        return ruleset_source(TEXT.format(a=a, rule=f"ip saddr {source} return"))
    return trio_of(parse_program(SOURCE.format(a=a, rule=f"saddr {source} return")))


def converse(client: socket.socket, server: socket.socket) -> bool:
    """Tell whether what the client says still reaches the server."""
    server.settimeout(0.5)
    client.sendall(b"x")
    try:
        return server.recv(1) == b"x"
    except TimeoutError:
        return False


@pytest.fixture
def connections(cluster: Cluster) -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    made: list[tuple[socket.socket, socket.socket]] = []
    with ExitStack() as stack:
        listener = stack.enter_context(cluster.socket(A, socket.AF_INET, socket.SOCK_STREAM))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS[A][0], 8080))
        listener.listen()
        for name in (B, C, OUTSIDE):
            client = stack.enter_context(cluster.socket(name, socket.AF_INET, socket.SOCK_STREAM))
            client.settimeout(5)
            client.bind((ADDRESS[name][0], 0))
            client.connect((ADDRESS[A][0], 8080))
            made.append((client, stack.enter_context(listener.accept()[0])))
        for end in (end for pair in made for end in pair):
            # What was cut would say its last words again and again, and be tracked by another test.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        yield made


@pytest.fixture(params=KINDS)
def engine(cluster: Cluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    with cluster.namespace("n1").entered():
        made = kernel_engine(request.param, tmp_path)
        yield made
        made.flush(pytest.fail)


def test_only_what_is_denied_now_ends(
    engine: Engine,
    connections: list[tuple[socket.socket, socket.socket]],
    request: pytest.FixtureRequest,
) -> None:
    kind = request.node.callspec.params["engine"]
    engine.apply(ruleset(kind, "10.0.0.0-203.255.255.255"))
    assert [converse(*pair) for pair in connections] == [True, True, True]
    strict = ruleset(kind, ADDRESS[B][0])
    engine.apply(strict)
    assert [converse(*pair) for pair in connections] == [True, True, True]
    assert engine.cut(strict) == 2
    assert engine.cut(strict) == 0
    assert [converse(*pair) for pair in connections] == [True, False, False]
