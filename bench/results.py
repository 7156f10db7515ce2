"""What a run has measured, and its page of tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from clusters.one_node import Shape
from compiling import Compilation
from loading import Loading
from lookup import EMPTY, IN_FILTER, PLAIN, REJECTING, TWO_MAPS, Result
from msgspec import Struct
from svg_chart import Panel

LEVELS = ("-O0", "-O1", "-O2")


class Workload(Struct):
    """A compiled cluster, by level; ``loading`` is empty where nothing could be loaded."""

    name: str
    title: str
    megabytes: float
    decode_only: float
    compilations: dict[str, Compilation]
    loading: dict[str, Loading]


class Sweep(Struct):
    """What packets cost by ruleset, where so many policies are in force."""

    shape: Shape
    result: Result


class Results(Struct):
    """Everything: ``how`` says what run it was, ``notes`` what a reader must know of it.

    ``connections`` were opened in each turn of a ruleset; ``iptables`` is by flavour,
    ``calibration`` nanoseconds by number of linear rules.
    """

    machine: str
    how: str
    connections: int
    workloads: list[Workload]
    sweeps: list[Sweep]
    iptables: dict[str, Result]
    calibration: dict[int, float]
    notes: list[str]


_INTRODUCTION = """\
{how} on {machine}. Read the ratios, and within a row: its rulesets took turns. Times are CPU time,
which a busy machine stretches less than wall time."""

_OF_COMPILING = """\
From JSON as `kubectl get -o json` prints it to a ruleset. *Decoding alone* is msgspec making
structs of the same bytes, and nothing else. Another node shares what the first needed; its time,
from policies to the program and from there to its text, is the mean of those compiled after the
first. *All nodes* is reading, and what all of them took or, where not all were compiled, would.

YAML as `kubectl get -o yaml` prints it is read without libyaml: 17 MB of 10,000 pods, compiled for
one node, take 2.0 times as long as the same objects as JSON, 41 MB (`bench_input` of
`bench/bench_compile.py`). Items in another layout take libyaml, five times as long."""

_OF_LOADING = """\
`nft -f -`, or `ipset restore` (with `RES_OPTIONS=no-reload`, as `cnpc apply` has it),
`iptables-restore` and `ip6tables-restore`, into an empty network namespace. Kernel memory is the
machine's before and after."""

_OF_PACKETS = """\
Nanoseconds of an allowed packet that a router forwards, from its arrival to its departure, routing
and conntrack included, without the system call that brings it. All rulesets of a row are loaded in
one network namespace and take turns to be in force, with {connections:,} random connections a turn;
figures are medians over the turns. *empty* has the rules for connection states alone, *two
look-ups* also a verdict map for each end; *above* is the median of what a turn took longer than
that of *empty* in the same round. 250 pods in groups, each group with its own policies. Above 1,000
policies -O0 and -O1 are compiled for 10 local pods, not 250: their sets would load for minutes, and
a packet meets one pod's rules."""

_OF_IPTABLES = """\
The shape of 500 policies, against the ruleset of a cluster without policies in the same flavour.
*-O2* is in the table `mangle`; *in filter* has the same rules where an accept of others could come
first; *rejecting* has those of `--deny-with reject`, in `filter` and `security`."""


def page(results: Results) -> str:
    """Return the page in Markdown."""
    parts = [
        "# What cnpc costs",
        _INTRODUCTION.format(how=results.how, machine=results.machine),
        *(f"- Note: {item}." for item in results.notes),
        "## Compiling",
        _OF_COMPILING,
        _table(_COMPILING, (row for item in results.workloads for row in _compiling(item))),
    ]
    if results.sweeps:
        parts += [
            "## Loading",
            _OF_LOADING,
            _table(_LOADING, (row for item in results.workloads for row in _loading(item))),
            "## A packet's way",
            _OF_PACKETS.format(connections=results.connections),
            "![New connections, and linear rules](bench.svg)",
            "### New connections",
            _table(_SWEEP, map(_new, results.sweeps)),
            "### New connections, by iptables",
            _OF_IPTABLES,
            iptables_table(results.iptables),
            "### Packets of established connections",
            _table(_ESTABLISHED, map(_established, results.sweeps)),
            "### Calibration: rules in a row that do not match",
            _table(("rules", "ns"), ((f"{n:,}", _ns(v)) for n, v in results.calibration.items())),
        ]
    return "\n\n".join(parts) + "\n"


def panels(results: Results) -> list[Panel]:
    """Return what to draw of the packets' costs."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for sweep in results.sweeps:
        for name in (*LEVELS, TWO_MAPS):
            if name in sweep.result.above and sweep.shape.groups > 1:
                above = max(1.0, sweep.result.above[name])
                lines.setdefault(name, []).append((sweep.shape.policies, above))
    base = results.calibration[0]
    linear = [(n, max(1.0, ns - base)) for n, ns in results.calibration.items() if n]
    up = "ns above the empty ruleset"
    return [
        Panel("An allowed new connection", "policies in force on the node", up, lines),
        Panel("Rules in a row that do not match", "rules", up, {"linear": linear}),
    ]


_COMPILING = (
    "cluster", "input", "level", "decoding alone", "reading", "one node", "one node ÷ decoding",
    "peak memory", "another node's program", "its text", "all nodes", "peak memory of all",
    "rules", "sets", "elements", "text",
)  # fmt: skip
_LOADING = ("cluster", "level", "CPU", "wall", "nft's memory", "kernel memory")
_NAMES = (PLAIN, EMPTY, TWO_MAPS, *LEVELS)
_SWEEP = (
    "policies", "groups", *_NAMES, "-O2 ÷ empty", "-O2 above", "-O0 above", "-O0 ÷ -O2, above",
)  # fmt: skip
_PLACES = (LEVELS[-1], IN_FILTER, REJECTING)
_IPTABLES = (
    "flavour", EMPTY, *_PLACES, *(f"{name} ÷ empty" for name in _PLACES),
    *(f"{name} above" for name in _PLACES),
)  # fmt: skip
_ESTABLISHED = ("policies", "groups", *_NAMES)


def _compiling(item: Workload) -> Iterable[tuple[str, ...]]:
    for level, made in item.compilations.items():
        one = made.load + made.first_program + made.first_text
        other = made.per_node_program + made.per_node_text
        yield (
            item.title,
            f"{item.megabytes:,.0f} MB",
            level,
            f"{item.decode_only:.2f} s",
            f"{made.load:.2f} s",
            f"{one:.2f} s",
            f"{one / item.decode_only:.1f}",
            f"{made.peak:,} MiB",
            f"{1000 * made.per_node_program:.1f} ms",
            f"{1000 * made.per_node_text:.1f} ms",
            f"{one + other * (made.all_nodes - 1):.0f} s" + _estimated(made),
            f"{made.peak_all:,} MiB",
            f"{made.rules:,}",
            f"{made.sets:,}",
            f"{made.elements:,}",
            f"{made.text_bytes / 1e6:.1f} MB",
        )


def _estimated(made: Compilation) -> str:
    return "" if made.nodes == made.all_nodes - 1 else f" (from {made.nodes} of {made.all_nodes})"


def _loading(item: Workload) -> Iterable[tuple[str, ...]]:
    for level, made in item.loading.items():
        memory = (f"{made.process:,} MiB", f"{made.kernel:,} MiB")
        yield (item.title, level, f"{made.cpu:.2f} s", f"{made.wall:.2f} s", *memory)


def _new(sweep: Sweep) -> tuple[str, ...]:
    result = sweep.result
    mine, naive = result.above["-O2"], result.above["-O0"]
    above = (_ns(mine), _ns(naive), f"{naive / mine:.1f}")
    return (*_shape(sweep), *_cells(result.new), f"{result.ratio['-O2']:.2f}", *above)


def iptables_table(found: Mapping[str, Result]) -> str:
    """Return what new connections cost by iptables, as a table; the results are by flavour."""
    return _table(_IPTABLES, (_flavour(*item) for item in found.items()))


def _flavour(name: str, result: Result) -> tuple[str, ...]:
    return (
        f"iptables-{name}",
        *(_ns(result.new[column]) for column in (EMPTY, *_PLACES)),
        *(f"{result.ratio[column]:.2f}" for column in _PLACES),
        *(_ns(result.above[column]) for column in _PLACES),
    )


def _established(sweep: Sweep) -> tuple[str, ...]:
    return (*_shape(sweep), *_cells(sweep.result.established))


def _shape(sweep: Sweep) -> tuple[str, str]:
    return f"{sweep.shape.policies:,}", f"{sweep.shape.groups:,}"


def _cells(values: Mapping[str, float]) -> Iterable[str]:
    return (_ns(values[name]) if name in values else "" for name in _NAMES)


def _ns(value: float) -> str:
    return f"{value:,.0f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
