"""Measures compiling, loading and packets, and writes docs/bench.{md,json,svg}.

``python bench/run.py [--quick]``; packets and loading need root and nft, and are left out without.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import clusters
import compiling
import loading
import lookup
import msgspec
import netcluster
from clusters import Cluster, Shape
from compiling import Compilation
from forwarding import Connection
from objects import write_list
from picture import draw
from results import LEVELS, Results, Sweep, Workload, page, panels

_DOCS = Path(__file__).parents[1] / "docs"
_QUICK_SCALE = 0.02
_HOW = {
    True: "A quick run of `make bench`, on small clusters, to look at and not to quote,",
    False: "Measured by `make bench`, a full run,",
}
_LINEAR = (0, 1, 10, 100, 1_000)
_CROWDED = 1_000
"""Above so many policies -O0 and -O1 have tens of thousands of sets, which load for minutes."""
_SHORT = 10  # local pods in their place: a packet meets the chain of one pod alone


class Bench:
    """One run: what it measures on, and how much of it."""

    def __init__(self, folder: Path, say: Callable[[str], None], *, quick: bool) -> None:
        """Measure in a folder of its own."""
        self._folder = folder
        self._say = say
        self._quick = quick
        self._missing = netcluster.missing()

    def run(self) -> Results:
        """Return what was measured."""
        workloads = [self._workload(item) for item in self._clusters()]
        sweeps: list[Sweep] = []
        calibration: dict[int, float] = {}
        notes = (
            [f"packets and loading are left out, because {self._missing}"] if self._missing else []
        )
        if not self._missing:
            sweeps = [self._sweep(shape) for shape in self._shapes()]
            calibration = self._calibrate()
        return Results(_machine(), _HOW[self._quick], workloads, sweeps, calibration, notes)

    def _clusters(self) -> Sequence[Cluster]:
        scale = _QUICK_SCALE if self._quick else 1.0
        made = [clusters.limits(scale), clusters.namespaces(scale)]
        made.append(
            clusters.node_policies(self._shapes()[-1] if self._quick else clusters.SHAPES[2])
        )
        return [*made, *(make(scale) for make in clusters.ADVERSARIAL)]

    def _shapes(self) -> Sequence[Shape]:
        return clusters.SHAPES[:2] if self._quick else clusters.SHAPES

    def _workload(self, cluster: Cluster) -> Workload:
        path = self._write(cluster)
        most = 5 if self._quick else 20
        compilations: dict[str, Compilation] = {}
        loads: dict[str, loading.Loading] = {}
        for number, level in enumerate(LEVELS):
            self._say(f"{cluster.title}: compile {level}")
            made = self._folder / f"{cluster.name}{level}.nft"
            compilations[level] = compiling.measure(path, number, cluster.node, most, made)
            if not self._missing:
                loads[level] = loading.load(made)
            made.unlink()
        alone = compiling.decode_only(path)
        megabytes = path.stat().st_size / 1e6
        path.unlink()
        return Workload(cluster.name, cluster.title, megabytes, alone, compilations, loads)

    def _sweep(self, shape: Shape) -> Sweep:
        short = replace(shape, local=_SHORT) if shape.policies > _CROWDED else shape
        connections = self._connections(shape)
        variants = {
            lookup.PLAIN: lookup.Variant("", connections),
            lookup.EMPTY: lookup.Variant(lookup.empty_ruleset(), connections),
            lookup.TWO_MAPS: lookup.Variant(lookup.two_maps_ruleset(connections), connections),
        }
        for number, level in enumerate(LEVELS):
            self._say(f"{shape.policies:,} policies: {level}")
            chosen = shape if level == LEVELS[-1] else short
            cluster = clusters.node_policies(chosen)
            made = self._folder / f"{cluster.name}{level}.nft"
            compiling.measure(self._write(cluster), number, cluster.node, 0, made)
            variants[level] = lookup.Variant(made.read_text(), self._connections(chosen))
        found = lookup.compare(variants, self._rounds())
        return Sweep(shape.policies, dict(found.new), dict(found.established))

    def _calibrate(self) -> dict[int, float]:
        self._say("linear rules")
        connections = self._connections(clusters.SHAPES[0])
        variants = {
            str(number): lookup.Variant(lookup.linear_ruleset(number), connections)
            for number in _LINEAR
        }
        found = lookup.compare(variants, self._rounds())
        return {number: found.new[str(number)] for number in _LINEAR}

    def _connections(self, shape: Shape) -> tuple[Connection, ...]:
        return tuple(lookup.allowed(shape, 500 if self._quick else 3_000))

    def _rounds(self) -> int:
        return 3 if self._quick else 11

    def _write(self, cluster: Cluster) -> Path:
        path = self._folder / f"{cluster.name}.json"
        write_list(path, cluster.objects())
        return path


def write(results: Results, folder: Path) -> None:
    """Write the page, the numbers and the picture into the folder."""
    folder.mkdir(exist_ok=True)
    numbers = msgspec.json.format(msgspec.json.encode(results), indent=2)
    (folder / "bench.json").write_bytes(numbers + b"\n")
    (folder / "bench.md").write_text(page(results))
    if results.sweeps:
        (folder / "bench.svg").write_text(draw(panels(results)))


def _machine() -> str:
    return f"Linux {platform.release()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def main(arguments: Sequence[str]) -> None:
    """Run, print the page, and keep it in docs/ unless the run is a quick one."""
    quick = "--quick" in arguments
    say = partial(print, file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="cnpc-bench-") as folder:
        results = Bench(Path(folder), say, quick=quick).run()
    if not quick:
        write(results, _DOCS)
    print(page(results))  # noqa: T201 - the result


if __name__ == "__main__":
    main(sys.argv[1:])
