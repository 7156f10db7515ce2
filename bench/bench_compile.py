"""How long ``cnpc compile`` takes, process start to end, and how much memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from clusters import medium
from clusters.objects import Object, write_list
from clusters.yaml_list import write_yaml_list
from commands import CNPC, measure, say
from pytest_benchmark.fixture import BenchmarkFixture

STORIES = Path(__file__).parents[1] / "examples" / "stories"
LARGE, LARGE_NODES = medium(), 100


@pytest.mark.parametrize("level", ["0", "1", "2"])
def bench_large_cluster(
    benchmark: BenchmarkFixture, tmp_path: Path, capsys: pytest.CaptureFixture[str], level: str
) -> None:
    """Compile 10,000 endpoints, 1,000 NetworkPolicies and 50 CNPs on 100 nodes, for each node."""
    cluster = tmp_path / "cluster.json"
    write_list(cluster, LARGE.objects())
    output = tmp_path / "out"
    command = (CNPC, "compile", f"-O{level}", "-o", output, cluster)
    usage = measure(benchmark, 3, *command)
    texts = [path.stat().st_size for path in output.iterdir()]
    assert len(texts) == LARGE_NODES
    say(
        capsys,
        f"-O{level}: {usage.seconds:.1f} s of processor time, peak memory {usage.peak_mib} MiB,"
        f" {len(texts)} rulesets of together {sum(texts) / 1e6:.1f} MB",
    )


@pytest.mark.parametrize("write", [write_list, write_yaml_list])
def bench_input(
    benchmark: BenchmarkFixture, tmp_path: Path, write: Callable[[Path, Iterable[Object]], None]
) -> None:
    """Compile one node of the same cluster from 41 MB of JSON and from 17 MB of YAML."""
    cluster = tmp_path / ("cluster.json" if write is write_list else "cluster.yaml")
    write(cluster, LARGE.objects())
    measure(benchmark, 3, CNPC, "compile", "--node", "node-0000", "-o", tmp_path / "out", cluster)


def bench_story(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Compile the smallest input: what is left is mostly the start of the process."""
    paths = (STORIES / "cluster.yaml", STORIES / "1-deny")
    measure(benchmark, 15, CNPC, "compile", "-o", tmp_path, *paths)


def bench_bare_interpreter(benchmark: BenchmarkFixture) -> None:
    """Start Python alone, to see what of bench_story is its own."""
    measure(benchmark, 15, sys.executable, "-c", "pass")
