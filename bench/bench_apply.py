"""How long a node needs for one pod more or less, from two texts at hand to the kernel's commit."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO

import pytest
from clusters import limits
from cnpc.backends.layout import read_layout
from cnpc.backends.nftables import Nftables
from cnpc.backends.node import KernelNode, LibraryNft
from cnpc.backends.transaction import Kind, plan
from cnpc.compiler.manifests import load
from cnpc.compiler.pipeline import Pipeline
from commands import say
from pytest_benchmark.fixture import BenchmarkFixture

CLUSTER = limits()
_CLONE_NEWNET = 0x40000000  # sched.h


@contextmanager
def own_network() -> Iterator[None]:
    """Be in a network namespace of one's own."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        assert libc.unshare(_CLONE_NEWNET) == 0, "root is needed"
        yield
    finally:
        libc.setns(home, _CLONE_NEWNET)
        os.close(home)


def ruleset(objects: Sequence[object]) -> str:
    """Return the text of the node."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    inputs = load(["-"], stdin=BytesIO(text.encode()))
    program = Pipeline(inputs.snapshot, inputs.policies).program(CLUSTER.node)
    return Nftables().build(program, ("one node",)).texts["nft"]


def bench_one_pod(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]) -> None:
    """Read both texts, compare them, let the kernel check the difference, and commit it.

    The pod is on another node: one here may need chains that no other pod has.
    """
    objects = [json.loads(json.dumps(item)) for item in CLUSTER.objects()]
    pods = [item for item in objects if item["kind"] == "Pod"]
    local = [pod for pod in pods if pod["spec"]["nodeName"] == CLUSTER.node]
    one = next(pod for pod in pods if pod["spec"]["nodeName"] != CLUSTER.node)
    texts = [ruleset(objects), ruleset([item for item in objects if item is not one])]
    with own_network():
        node = KernelNode(LibraryNft())
        node.commit(texts[0])

        def update() -> int:
            planned = plan(read_layout(texts[0]), read_layout(texts[1]))
            if not planned.checks_itself:
                node.check("".join(item.text for item in planned.transactions))
            for transaction in planned.transactions:
                node.commit(transaction.text)
            texts.reverse()
            assert planned.kind is Kind.ELEMENTS
            return planned.operations

        operations = benchmark.pedantic(  # type: ignore[no-untyped-call]  # has no types
            update, rounds=20, warmup_rounds=2
        )
    sizes = " and ".join(f"{len(text) / 1e6:.1f} MB" for text in texts)
    say(capsys, f"{len(local)} local pods, texts of {sizes}: {operations} operations")
