"""Measures compiling, loading and packets, and writes docs/bench.{md,json,svg}.

``python bench/run.py [--quick]``; packets and loading need root and nft, and are left out without.
``python bench/run.py --iptables`` measures and prints packets by iptables alone.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import clusters
import compiling
import loading
import lookup
import msgspec
import netcluster
from clusters import Cluster
from clusters.objects import write_list
from clusters.one_node import COMPARED, SHAPES, Shape
from cnpc.backends.iptables.passes import PASSES_WITHOUT_MAPS
from cnpc.backends.iptables.render import Iptables
from cnpc.compiler.model.snapshot import Snapshot
from cnpc.compiler.options import DenyWith
from cnpc.compiler.pipeline import Pipeline
from compiling import Compilation, Task
from forwarding import Connection
from loading import Loading
from results import LEVELS, Results, Sweep, Workload, iptables_table, page, panels
from side_by_side import NftTable, NoRuleset, Switch, chains
from svg_chart import draw

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
_FLAVOURS = ("legacy", "nft")
_BY_IPTABLES = ("a", "a6")
"""The clusters that are compiled and loaded for iptables too: Kubernetes' limits."""
_ALL = 1_000
"""As many nodes as (b) has."""

_HIGHEST = len(LEVELS) - 1
_CONNECTIONS = 40_000
"""How many connections are opened in a turn. With few (1,500) the figures were those of a ruleset
just loaded: each turn began with reading again what the others had displaced from the caches."""


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
        workloads = [self._workload(*item) for item in self._clusters()]
        how = _HOW[self._quick]
        results = Results(_machine(), how, self._per_turn(), workloads, [], {}, {}, [])
        if self._missing:
            results.notes.append(f"packets and loading are left out, because {self._missing}")
            return results
        found = self._packets()
        results.sweeps = [
            Sweep(shape, lookup.joined([found[name] for name in found if name in _names(shape)]))
            for shape in self._shapes()
        ]
        results.iptables = {flavour: found[flavour] for flavour in _FLAVOURS}
        results.calibration = {n: found[_LINEAR_LANE].new[_linear(n)] for n in _LINEAR}
        return results

    def _clusters(self) -> Sequence[tuple[Cluster, int]]:
        """Return the clusters, each with for how many further nodes it is compiled.

        That is some for all but (b): there nodes with neighbouring numbers have pods of the same
        namespaces, and nodes picked here and there have none in common.
        """
        scale = _QUICK_SCALE if self._quick else 1.0
        shape = self._shapes()[-1] if self._quick else COMPARED
        some = 5 if self._quick else 20
        return [
            (clusters.limits(scale), some),
            (clusters.limits(scale, dual=True), some),
            (clusters.namespaces(scale), _ALL),
            (clusters.node_policies(shape), some),
            *((make(scale), 5) for make in clusters.ADVERSARIAL),
        ]

    def _shapes(self) -> Sequence[Shape]:
        return SHAPES[:3] if self._quick else SHAPES

    def _workload(self, cluster: Cluster, more: int) -> Workload:
        path = self._write(cluster)
        compilations: dict[str, Compilation] = {}
        loads: dict[str, Loading] = {}
        stem = self._folder / cluster.name
        for number, level in enumerate(LEVELS):
            self._say(f"{cluster.title}: compile {level}")
            compilations[level] = Task(path, number, cluster.node, more).measure(stem)
            if not self._missing:
                loads[level] = loading.load(stem, "nft")
        if cluster.name in _BY_IPTABLES:
            self._say(f"{cluster.title}: compile for iptables")
            task = Task(path, _HIGHEST, cluster.node, 0, "iptables")
            compilations["iptables -O2"] = task.measure(stem)
            for flavour in () if self._missing else _FLAVOURS:
                loads[f"iptables-{flavour}"] = loading.load(stem, f"iptables-{flavour}")
        alone = compiling.decode_only(path)
        megabytes = path.stat().st_size / 1e6
        path.unlink()
        return Workload(cluster.name, cluster.title, megabytes, alone, compilations, loads)

    def _packets(self) -> Mapping[str, lookup.Result]:
        """Return what packets cost, by lane; all lanes take turns."""
        lanes = {name: lane for shape in self._shapes() for name, lane in self._lanes(shape)}
        connections = self._connections(SHAPES[0])
        floor = {lookup.EMPTY: NftTable("floor", lookup.empty_ruleset())}
        linear = {_linear(n): NftTable(_linear(n), lookup.linear_ruleset(n)) for n in _LINEAR}
        lanes[_LINEAR_LANE] = lookup.Lane(connections, {**floor, **linear})
        self._say("packets")
        return lookup.compare({**lanes, **self._iptables_lanes()}, self._rounds())

    def by_iptables(self) -> Mapping[str, lookup.Result]:
        """Return what packets cost by iptables alone, by flavour."""
        return lookup.compare(self._iptables_lanes(), self._rounds())

    def _lanes(self, shape: Shape) -> Iterator[tuple[str, lookup.Lane]]:
        """Give the levels' lane; where sets are too many, the lower levels have one of few pods."""
        main, aside = _names(shape)
        connections = self._connections(shape)
        others: dict[str, Switch] = {
            lookup.PLAIN: NoRuleset(),
            lookup.TWO_MAPS: NftTable("two", lookup.two_maps_ruleset(connections)),
        }
        if shape.policies <= _CROWDED:
            yield main, self._lane(shape, range(len(LEVELS)), others)
            return
        yield main, self._lane(shape, (_HIGHEST,), others)
        yield aside, self._lane(replace(shape, local=_SHORT), range(_HIGHEST), {})

    def _lane(
        self, shape: Shape, levels: Iterable[int], others: Mapping[str, Switch]
    ) -> lookup.Lane:
        rulesets: dict[str, Switch] = {
            lookup.EMPTY: NftTable("floor", lookup.empty_ruleset()),
            **others,
        }
        for number in levels:
            text = self._texts(shape, number)["nft"]
            rulesets[LEVELS[number]] = NftTable(f"level{number}", text)
        return lookup.Lane(self._connections(shape), rulesets)

    def _iptables_lanes(self) -> Mapping[str, lookup.Lane]:
        shape = self._shapes()[-1] if self._quick else COMPARED
        pipeline = Pipeline(Snapshot((), (), ()), (), level=_HIGHEST, passes=PASSES_WITHOUT_MAPS)
        nothing = Iptables().build(pipeline.program(""), ()).texts
        drops, rejects = (self._texts(shape, _HIGHEST, "iptables", way) for way in DenyWith)
        before = {suffix: text.replace("*mangle\n", "*filter\n") for suffix, text in drops.items()}
        texts = {
            lookup.EMPTY: nothing,
            LEVELS[-1]: drops,
            lookup.IN_FILTER: before,
            lookup.REJECTING: rejects,
        }
        connections = self._connections(shape)
        return {flavour: lookup.Lane(connections, chains(flavour, texts)) for flavour in _FLAVOURS}

    def _texts(
        self,
        shape: Shape,
        level: int,
        backend: str = "nftables",
        deny_with: DenyWith = DenyWith.DROP,
    ) -> Mapping[str, str]:
        """Return the texts of the measured node, by suffix."""
        self._say(f"{shape.policies:,} policies of {shape.groups} groups: {backend} -O{level}")
        cluster = clusters.node_policies(shape)
        stem = self._folder / cluster.name
        Task(self._write(cluster), level, cluster.node, 0, backend, deny_with).measure(stem)
        found = {path.suffix[1:]: path for path in self._folder.glob(f"{cluster.name}.*")}
        texts = {suffix: path.read_text() for suffix, path in found.items() if suffix != "json"}
        for path in found.values():
            path.unlink()
        return texts

    def _connections(self, shape: Shape) -> tuple[Connection, ...]:
        return tuple(lookup.allowed(shape, self._per_turn()))

    def _per_turn(self) -> int:
        """Return how many connections are opened in a turn."""
        return 500 if self._quick else _CONNECTIONS

    def _rounds(self) -> int:
        return 3 if self._quick else 25

    def _write(self, cluster: Cluster) -> Path:
        path = self._folder / f"{cluster.name}.json"
        write_list(path, cluster.objects())
        return path


_LINEAR_LANE = "linear rules"


def _linear(rules: int) -> str:
    return f"linear{rules}"


def _names(shape: Shape) -> tuple[str, str]:
    """Return the names of a shape's lane, and of the one for levels with fewer pods."""
    name = f"{shape.policies} policies of {shape.groups} groups"
    return name, f"{name}, few pods"


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
        bench = Bench(Path(folder), say, quick=quick)
        if "--iptables" in arguments:
            print(iptables_table(bench.by_iptables()))  # noqa: T201 - the result
            return
        results = bench.run()
    if not quick:
        write(results, _DOCS)
    print(page(results))  # noqa: T201 - the result


if __name__ == "__main__":
    main(sys.argv[1:])
