"""How long ``cnpc compile`` takes, process start to end, and how much memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from clusters import medium
from commands import CNPC, measure, run, say
from objects import write_list
from pytest_benchmark.fixture import BenchmarkFixture

STORIES = Path(__file__).parents[1] / "examples" / "stories"
LARGE = medium()
LARGE_NODES = 100


@pytest.mark.parametrize("level", ["0", "1", "2"])
def bench_large_cluster(
    benchmark: BenchmarkFixture, tmp_path: Path, capsys: pytest.CaptureFixture[str], level: str
) -> None:
    """Compile 10,000 endpoints, 1,000 NetworkPolicies and 50 CNPs on 100 nodes, for each node."""
    cluster = tmp_path / "cluster.json"
    write_list(cluster, LARGE.objects())
    output = tmp_path / "out"
    peaks: list[int] = []

    def compile_all() -> None:
        peaks.append(run(CNPC, "compile", f"-O{level}", "-o", output, cluster))

    measure(benchmark, compile_all, rounds=3)
    texts = [path.stat().st_size for path in output.iterdir()]
    assert len(texts) == LARGE_NODES
    written = f"{len(texts)} rulesets of together {sum(texts) / 1e6:.1f} MB"
    say(capsys, f"-O{level}: peak memory {max(peaks)} MiB; {written}")


def bench_story(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Compile the smallest input: what is left is mostly the start of the process."""
    paths = (STORIES / "cluster.yaml", STORIES / "1-deny")
    measure(benchmark, lambda: run(CNPC, "compile", "-o", tmp_path, *paths), rounds=15)


def bench_bare_interpreter(benchmark: BenchmarkFixture) -> None:
    """Start Python alone, to see what of bench_story is its own."""
    measure(benchmark, lambda: run(sys.executable, "-c", "pass"), rounds=15)
