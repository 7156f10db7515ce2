"""--cut-established by real connections: what the new ruleset denies ends, and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cnpc.backends.nft_filter import given
from cnpc.backends.node import KernelNode, LibraryNft
from keepers import nft_keeper
from netcluster import OUTSIDE, Cluster
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


def ruleset(rule: str) -> str:
    return TEXT.format(a=ADDRESS[A][0], rule=rule)


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
        listener.bind((ADDRESS[A][0], 8080))
        listener.listen()
        for name in (B, C, OUTSIDE):
            client = stack.enter_context(cluster.socket(name, socket.AF_INET, socket.SOCK_STREAM))
            client.settimeout(5)
            client.bind((ADDRESS[name][0], 0))
            client.connect((ADDRESS[A][0], 8080))
            made.append((client, stack.enter_context(listener.accept()[0])))
        yield made


def test_only_what_is_denied_now_ends(
    cluster: Cluster,
    connections: list[tuple[socket.socket, socket.socket]],
    tmp_path: Path,
) -> None:
    with cluster.namespace("n1").entered():
        keeper = nft_keeper(KernelNode(LibraryNft()), tmp_path)
        keeper.apply(given(ruleset("ip saddr 0.0.0.0/0 return")))
        assert [converse(*pair) for pair in connections] == [True, True, True]
        strict = given(ruleset(f"ip saddr {ADDRESS[B][0]} return"))
        keeper.apply(strict)
        assert [converse(*pair) for pair in connections] == [True, True, True]
        assert keeper.cut(strict) == 2
        assert keeper.cut(strict) == 0
    assert [converse(*pair) for pair in connections] == [True, False, False]
