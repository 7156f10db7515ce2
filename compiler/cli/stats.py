"""``cnpc stats``: a ruleset's size, and what new connections cost in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain

import click

from ...backends.base import Backend, RulesetSize
from ...backends.iptables.decompile import programs_of
from ...backends.iptables.ruleset import read_iptables
from ...backends.nftables.decompile import program_of
from ...backends.nftables.ruleset import read_ruleset
from ...backends.registry import BACKENDS, passes_of
from ...backends.stats.connection_cost import Cost, Walker, join
from ...backends.stats.iptables_size import iptables_size
from ...backends.stats.nftables_size import nft_size
from ...backends.stats.peer_masks import Peers
from ..manifests.load import Inputs
from ..model.snapshot import Endpoint, Snapshot
from ..net import Family
from ..options import LEVELS, DenyWith, Options, OwnNode
from ..pipeline import Pipeline
from . import options as arguments
from .inputs import read_inputs, this_node
from .option_types import max_errors_option
from .options import backend_option
from .output.diagnostics import many_sets, report, report_warnings
from .output.json_output import diagnostics_json, json_option, print_json

_EPILOG = """\b
Examples:
  cnpc stats cluster.yaml policies/ --node worker-1
  cnpc stats cluster.yaml policies/ --node worker-1 --compare -O0
"""


@click.command(epilog=_EPILOG)
@arguments.paths
@click.option(
    "--node",
    metavar="NAME",
    help="The node whose ruleset is counted.  [default: this host's name, if a node has it]",
)
@backend_option("The packet filter whose ruleset is counted.")
@arguments.level
@click.option(
    "--compare",
    type=click.Choice([f"-O{level}" for level in LEVELS]),
    help="Show another optimisation level beside it.",
)
@arguments.meaning
@max_errors_option("nothing written")
@json_option
def command(  # noqa: PLR0913 - one parameter for each option of the command line
    *,
    paths: tuple[str, ...],
    node: str | None,
    backend: str,
    level: str,
    compare: str | None,
    deny_with: str,
    own_node: str,
    on_unknown: str,
    max_errors: int,
    as_json: bool,
) -> None:
    """Count a node's ruleset as it is emitted, and what new connections meet in it.

    Sets and maps include those within rules. Kernel memory is an estimate from measurements on
    Linux 6.18: bytes per element by type of set, per rule, chain and table.

    For each pod and direction: the rules that are evaluated and the look-ups in sets and maps that
    are made before a new connection is judged, the most and the mean over all endpoints and nodes
    of the snapshot as peers, and over the protocols and ports that the pod's rules tell apart (at
    most 32, evenly chosen). If the peer is a pod of this node too, its judgement is counted in its
    own line; with iptables, such peers are left out. What rejects stands in two tables of
    iptables; its size is that of both, what a connection meets is counted in the first.
    """
    inputs = read_inputs(paths, on_unknown)
    levels = [int(level), *([int(compare.removeprefix("-O"))] if compare else [])]
    options = Options(DenyWith(deny_with), OwnNode(own_node))
    made = BACKENDS[backend]()
    pipelines = {
        number: Pipeline(inputs.snapshot, inputs.policies, options, number, passes_of(made))
        for number in levels
    }
    resolver = pipelines[levels[0]].resolver
    chosen = this_node(resolver.node_names(), node)
    warnings = report_warnings(inputs, resolver, max_errors)
    asked = [
        _stats(inputs, chosen, made, number, pipeline) for number, pipeline in pipelines.items()
    ]
    for item in asked:
        slow = many_sets({item.node: item.size.sets + item.size.maps})
        report(slow)
        warnings += slow
    if as_json:
        print_json({"warnings": diagnostics_json(warnings), "levels": as_facts(asked)})
    else:
        click.echo(as_table(asked), nl=False)


def _stats(inputs: Inputs, chosen: str, backend: Backend, level: int, pipeline: Pipeline) -> Stats:
    texts = backend.build(pipeline.program(chosen), ("Network policy",)).texts
    pods = [inputs.snapshot.endpoints[position] for position in pipeline.resolver.local(chosen)]
    counted, walkers = _read(texts, inputs.snapshot, pods)
    return Stats(chosen, level, counted, tuple(_lines(pods, walkers)))


def _read(
    texts: Mapping[str, str], snapshot: Snapshot, pods: Sequence[Endpoint]
) -> tuple[RulesetSize, Mapping[Family, Walker]]:
    """Return the size of what was emitted, and who walks through it for each family."""
    peers = {family: _peers(snapshot, family) for family in Family}
    if "nft" in texts:
        program = program_of(read_ruleset(texts["nft"]))
        ends = {family: Peers(found) for family, found in peers.items()}
        walker = Walker(program, ends, lists_are_sets=True)
        return nft_size(program), dict.fromkeys(Family, walker)
    ruleset = read_iptables(texts)
    programs = programs_of(ruleset, lambda _: ())
    own = {address for pod in pods for address in pod.addresses}
    walkers = {}
    for family, program in programs.items():
        # Trees of rules find both ends: a peer of this node would be judged here too.
        others = Peers(number for number in peers[family] if (family, number) not in own)
        walkers[family] = Walker(program, {family: others}, lists_are_sets=False)
    return iptables_size(programs.values(), len(ruleset.tables)), walkers


def _peers(snapshot: Snapshot, family: Family) -> Sequence[int]:
    pods = (address for item in snapshot.endpoints for address in item.addresses)
    nodes = (address for item in snapshot.nodes for address in item.addresses)
    return [number for kind, number in chain(pods, nodes) if kind is family]


def _lines(pods: Sequence[Endpoint], walkers: Mapping[Family, Walker]) -> Iterator[PodCost]:
    for pod in pods:
        for source in (True, False):
            costs = [
                walkers[family].cost(family, address, source=source)
                for family, address in pod.addresses
            ]
            yield PodCost(
                f"{pod.namespace}/{pod.name}", "egress" if source else "ingress", join(costs)
            )


_MOST_LINES = 20
_COUNTS = ("rules", "chains", "sets", "maps", "anonymous", "elements")
_COSTS: Sequence[tuple[str, Callable[[Cost], float]]] = (
    ("rules, worst", lambda cost: cost.worst_rules),
    ("rules, mean", lambda cost: cost.mean_rules),
    ("look-ups, worst", lambda cost: cost.worst_lookups),
    ("look-ups, mean", lambda cost: cost.mean_lookups),
)


@dataclass(frozen=True, slots=True)
class PodCost:
    """What new connections from (egress) or to (ingress) a pod meet."""

    pod: str
    direction: str
    cost: Cost


@dataclass(frozen=True, slots=True)
class Stats:
    """A node's ruleset at one optimisation level."""

    node: str
    level: int
    size: RulesetSize
    lines: tuple[PodCost, ...]


def as_facts(levels: Iterable[Stats]) -> list[dict[str, object]]:
    """Return everything, an object for each level, as JSON has it."""
    return [asdict(item) for item in levels]


def as_table(levels: Sequence[Stats]) -> str:
    """Return the sizes, the means over pods, and the pods whose connections meet most."""
    parts = [_sizes(levels), _summary(levels), _pods(levels)]
    tables = [_align(rows) for rows in parts if len(rows) > 1]
    if not levels[0].lines:
        tables.append("no connection is judged: the node has no endpoint\n")
    return "\n".join(tables)


Rows = list[tuple[str, ...]]


def _heads(levels: Sequence[Stats]) -> list[str]:
    return [f"-O{item.level}" for item in levels]


def _sizes(levels: Sequence[Stats]) -> Rows:
    rows: Rows = [(f"node {levels[0].node}", *_heads(levels))]
    for name in _COUNTS:
        rows.append((name, *(f"{getattr(item.size, name):,}" for item in levels)))
    memory = (f"{item.size.kernel_bytes / 1000:,.0f} kB" for item in levels)
    return [*rows, ("kernel memory, about", *memory)]


def _summary(levels: Sequence[Stats]) -> Rows:
    """Return, for each direction, the worst of all pods and the mean over them."""
    rows: Rows = [("all pods", *_heads(levels))]
    for direction in dict.fromkeys(line.direction for line in levels[0].lines):
        for index, (name, value) in enumerate(_COSTS):
            cells = []
            for item in levels:
                values = [value(line.cost) for line in item.lines if line.direction == direction]
                over = max(values) if index % 2 == 0 else sum(values) / len(values)
                cells.append(_number(over))
            rows.append((f"{direction}: {name}", *cells))
    return rows


def _pods(levels: Sequence[Stats]) -> Rows:
    first, *others = (item.lines for item in levels)
    by_place = [dict(zip(_places(lines), lines, strict=True)) for lines in others]
    names = [name for name, _ in _COSTS]
    rows: Rows = [
        ("pod", "", *(f"{name} {head}" for name in names for head in _heads(levels))),
    ]
    worst = sorted(first, key=lambda line: (-line.cost.mean_rules, line.pod, line.direction))
    for line in worst[:_MOST_LINES]:
        beside = [lines[line.pod, line.direction] for lines in by_place]
        costs = [item.cost for item in (line, *beside)]
        cells = (_number(value(cost)) for _, value in _COSTS for cost in costs)
        rows.append((line.pod, line.direction, *cells))
    if len(worst) > _MOST_LINES:
        left = f"... {len(worst) - _MOST_LINES} more that meet less; --json has all"
        rows.append((left,))
    return rows


def _places(lines: Iterable[PodCost]) -> list[tuple[str, str]]:
    return [(line.pod, line.direction) for line in lines]


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _align(rows: Rows) -> str:
    columns = len(rows[0])
    whole = [row for row in rows if len(row) == columns]
    widths = [max(len(row[column]) for row in whole) for column in range(columns)]
    return "".join(
        "  ".join(
            cell.ljust(width)
            if column == 0 or (column == 1 and rows[0][1] == "")
            else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        + "\n"
        for row in rows
    )
