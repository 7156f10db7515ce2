"""How long a node needs for one pod more or less, and how long where nothing has changed.

The one is from two texts at hand to the kernel's commit, the other a process from start to end.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from clusters import limits
from cnpc.backends.nftables.node.client import LibraryNft
from cnpc.backends.nftables.node.kernel import LinuxKernel
from cnpc.backends.nftables.plan import PlanKind, plan
from cnpc.backends.nftables.render import Nftables
from cnpc.backends.nftables.ruleset import read_ruleset
from cnpc.backends.registry import BACKENDS, passes_of
from cnpc.compiler.manifests.load import Inputs, load
from cnpc.compiler.pipeline import Pipeline
from commands import CNPC, measure, run, say
from pytest_benchmark.fixture import BenchmarkFixture

CLUSTER = limits()
LARGEST = limits(dual=True)
"""Whose rulesets are the longest."""
KINDS = {"nftables -O1": 1, "nftables -O2": 2, "iptables -O2": 2}
_USUAL = 5  # the number of a local pod
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


def read(objects: Iterable[object]) -> Inputs:
    """Return the objects as cnpc compile reads them."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return load(["-"], stdin=BytesIO(text.encode()))


def ruleset(objects: Iterable[object], level: int) -> str:
    """Return the text of the node."""
    inputs = read(objects)
    program = Pipeline(inputs.snapshot, inputs.policies, level=level).program(CLUSTER.node)
    return Nftables().build(program, ("one node",)).texts["nft"]


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("here", [False, True])
def bench_one_pod(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], *, here: bool, level: int
) -> None:
    """Read both texts, compare them, let the kernel check the difference, and commit it.

    The pod is on another node or, ``here``, one whose policies other pods here have too.
    """
    objects = [json.loads(json.dumps(item)) for item in CLUSTER.objects()]
    pods = [item for item in objects if item["kind"] == "Pod"]
    local = [pod for pod in pods if pod["spec"]["nodeName"] == CLUSTER.node]
    others = (pod for pod in pods if pod["spec"]["nodeName"] != CLUSTER.node)
    one = local[_USUAL] if here else next(others)
    without = [item for item in objects if item is not one]
    texts = [ruleset(objects, level), ruleset(without, level)]
    with own_network():
        node = LinuxKernel(LibraryNft())
        node.commit(texts[0])

        def update() -> int:
            planned = plan(read_ruleset(texts[0]), read_ruleset(texts[1]))
            if not planned.checks_itself:
                node.check("".join(item.text for item in planned.transactions))
            for transaction in planned.transactions:
                node.commit(transaction.text)
            texts.reverse()
            assert planned.kind is PlanKind.ELEMENTS
            return planned.operations

        operations = benchmark.pedantic(  # type: ignore[no-untyped-call]  # has no types
            update, rounds=20, warmup_rounds=2
        )
    sizes = " and ".join(f"{len(text) / 1e6:.1f} MB" for text in texts)
    where = "here" if here else "elsewhere"
    median = benchmark.stats.stats.median * 1000  # type: ignore[union-attr]  # there are, after a run
    what = f"{len(local)} local pods, one {where}, -O{level}, texts of {sizes}"
    say(capsys, f"{what}: {operations} operations, {median:.1f} ms (median)")


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    """Return the largest cluster."""
    return read(LARGEST.objects())


@pytest.mark.parametrize("kind", KINDS)
def bench_unchanged(
    benchmark: BenchmarkFixture,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    inputs: Inputs,
    kind: str,
) -> None:
    """Run cnpc apply of a ruleset that is in force, from the process's start to its end."""
    files = written(inputs, kind, tmp_path)
    command = (CNPC, "apply", files[0], "--state-dir", tmp_path / "state")
    with own_network():
        run(*command)
        usage = measure(benchmark, 20, *command)
    median = benchmark.stats.stats.median  # type: ignore[union-attr]  # there are, after a run
    size = sum(path.stat().st_size for path in files)
    times = f"{median * 1000:.0f} ms (median), {usage.seconds * 1000:.0f} ms of CPU time (best)"
    say(capsys, f"{kind}, {size / 1e6:.1f} MB in force already: {times}")


def written(inputs: Inputs, kind: str, folder: Path) -> list[Path]:
    """Write the ruleset of the node, and return its files."""
    backend = BACKENDS[kind.split(maxsplit=1)[0]]()
    passes = passes_of(backend)
    pipeline = Pipeline(inputs.snapshot, inputs.policies, level=KINDS[kind], passes=passes)
    texts = backend.build(pipeline.program(LARGEST.node), ("one node",)).texts
    files = {folder / f"node.{suffix}": text for suffix, text in texts.items()}
    for path, text in files.items():
        path.write_text(text)
    return list(files)
