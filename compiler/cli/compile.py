"""``cnpc compile``: manifests in, a ruleset for each node out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path

import click
from msgspec import Struct

from ...backends.base import Backend
from ...backends.registry import BACKENDS, passes_of
from ..ir.printer import print_program
from ..ir.program import Program
from ..manifests.load import Inputs
from ..options import LEVELS, DenyWith, Options, OwnNode
from ..passes import PassLevels
from ..passes.peer_maps.entries import count_judged
from ..pipeline import Pipeline, stages
from . import options as arguments
from .inputs import choose, read_inputs
from .lazy import lazy_import
from .option_types import OutputFolder, max_errors_option
from .options import backend_option
from .output.diagnostics import many_sets, report, report_warnings
from .output.explain_pruned import explain_nodes
from .output.files import OutputDirectory, StandardOutput, file_stem
from .output.json_output import as_json_line, json_option, print_json
from .output.messages import report_message
from .output.summary import NodeSummary, Summary, as_facts, as_table
from .output.unused_input import words_of_unused
from .rulesets.header import Compilation
from .rulesets.node_ruleset import build_ruleset

_HIGHEST_LEVEL = max(LEVELS)
_STAGES = tuple(
    dict.fromkeys(
        stage for make in BACKENDS.values() for stage in stages(_HIGHEST_LEVEL, passes_of(make()))
    )
)

_PROGRESS_FROM = 20  # nodes; below, the work is over before a bar could be read
_WORTH_PROCESSES = 8  # nodes; below, to start processes takes longer than they save

_EPILOG = """\b
Examples:
  kubectl get ns,pods,nodes,netpol,clusternetworkpolicies.policy.networking.k8s.io \\
    -A -o json | cnpc compile - -o rulesets/
  cnpc compile cluster.yaml policies/ --node worker-1 > worker-1.nft
"""


class _Request(Struct, frozen=True):
    """What the command line asks for, apart from what to read."""

    options: Options
    level: int
    backend: Backend
    output: Path | None
    print_after: str | None
    as_json: bool
    progress: bool
    jobs: int


@click.command(epilog=_EPILOG)
@arguments.paths
@click.option("--node", "nodes", metavar="NAME", multiple=True, help="Only this node (repeatable).")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=OutputFolder(),
    help="Write DIR/<node>.nft for each node, or .ipset, .v4 and .v6 for iptables; "
    "- is standard output, for one node. "
    "What DIR has of nodes that are gone stays.",
)
@backend_option("The packet filter to compile for.")
@click.option(
    "-j",
    "--jobs",
    metavar="N",
    type=click.IntRange(min=1),
    help="Compile so many nodes at a time.  [default: one for each core]",
)
@arguments.level
@arguments.meaning
@click.option(
    "--print-after",
    metavar="PASS",
    type=click.Choice(_STAGES),
    help="Print the intermediate representation after this pass, instead of the ruleset.",
)
@click.option(
    "--summary",
    type=click.Choice(["table", "json", "none"]),
    help="What to say on standard error.  [default: table on a terminal, else none]",
)
@click.option(
    "--explain-pruned",
    is_flag=True,
    help="Say which rules the ruleset does without, and what stands for them.",
)
@max_errors_option("nothing written")
@json_option
@click.option("-q", "--quiet", is_flag=True, help="No summary and no progress bar.")
@click.option("-v", "--verbose", is_flag=True, help="Also say what was read and not used.")
def command(  # noqa: PLR0913 - one parameter for each option of the command line
    *,
    paths: tuple[str, ...],
    nodes: tuple[str, ...],
    output: Path | None,
    backend: str,
    jobs: int | None,
    level: str,
    deny_with: str,
    own_node: str,
    on_unknown: str,
    print_after: str | None,
    summary: str | None,
    explain_pruned: bool,
    max_errors: int,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Compile network policies and a cluster snapshot to a ruleset for each node.

    Each PATH is a file of YAML or JSON, a folder of such files, or - for standard input; what
    gzip has packed is unpacked. Without -o, the ruleset of one node goes to standard output.
    """
    kind = summary or ("table" if sys.stderr.isatty() else "none")
    request = _Request(
        Options(DenyWith(deny_with), OwnNode(own_node)),
        int(level),
        BACKENDS[backend](),
        output,
        print_after,
        as_json,
        progress=sys.stderr.isatty() and not quiet,
        jobs=jobs or len(os.sched_getaffinity(0)),
    )
    passes = passes_of(request.backend)
    _check(request, passes)
    inputs = read_inputs(paths, on_unknown)
    pipeline = Pipeline(inputs.snapshot, inputs.policies, request.options, request.level, passes)
    chosen = choose(pipeline.resolver.node_names(), nodes)
    if output is None and len(chosen) > 1:
        raise click.UsageError(f"{len(chosen)} nodes: -o DIR, or --node NAME for one of them")
    warnings = report_warnings(inputs, pipeline.resolver, max_errors)
    if verbose:
        for line in words_of_unused(inputs):
            report_message(line)
    made_of_nodes = _compile(pipeline, inputs, chosen, request)
    compiled = tuple(sorted(made_of_nodes, key=attrgetter("node")))
    slow = many_sets({item.node: item.sets for item in compiled})
    report(slow)
    explained = explain_nodes(pipeline, chosen) if explain_pruned else None
    for item in explained or ():
        report_message(str(item))
    if print_after:
        return
    made = Summary(
        len(inputs.snapshot.namespaces),
        len(inputs.snapshot.nodes),
        len(inputs.snapshot.endpoints),
        len(inputs.policies),
        warnings + slow,
        inputs.passed_over,
        compiled,
        explained,
    )
    if as_json:
        print_json(as_facts(made))
    elif not quiet:
        _summarize(made, kind)


def _check(request: _Request, passes: PassLevels) -> None:
    """Raise the error for options that do not go together."""
    if request.as_json and request.output is None:
        raise click.UsageError("--json needs -o DIR: standard output has the ruleset otherwise")
    if request.as_json and request.print_after:
        raise click.UsageError("--json tells of rulesets, --print-after makes none")
    if request.print_after:
        if request.print_after not in stages(request.level, passes):
            raise _no_pass(request, request.print_after)
    elif request.output is None and len(request.backend.suffixes) > 1:
        files = ", ".join(f".{suffix}" for suffix in request.backend.suffixes)
        raise click.UsageError(f"--backend {request.backend.name} makes {files} files: -o DIR")


def _no_pass(request: _Request, stage: str) -> click.UsageError:
    """Return the error that names the nearest options that have the pass: the backend stays."""
    own, level = request.backend.name, request.level
    backend, nearest = min(
        (
            (name, number)
            for name, make in BACKENDS.items()
            for number in LEVELS
            if stage in stages(number, passes_of(make()))
        ),
        key=lambda found: (found[0] != own, abs(found[1] - level)),
    )
    return click.UsageError(
        f"-O{level} has no pass '{stage}' with --backend {own}; "
        f"it is in -O{nearest} with --backend {backend}"
    )


def _compile(
    pipeline: Pipeline, inputs: Inputs, nodes: Sequence[str], request: _Request
) -> Iterator[NodeSummary]:
    """Write each node's texts and yield what was made of it, in any order."""
    about = Compilation(inputs.snapshot, len(inputs.policies), request.options, request.level)

    def compile_node(node: str) -> NodeSummary | None:
        if request.print_after:
            sink.write(f"{file_stem(node)}.ir", _program_after(pipeline, node, request.print_after))
            return None
        ruleset = build_ruleset(pipeline, request.backend, about, node)
        for suffix, text in ruleset.texts.items():
            sink.write(f"{file_stem(node)}.{suffix}", text)
        size = ruleset.size
        return NodeSummary(
            node,
            len(pipeline.resolver.local(node)),
            ruleset.policies,
            size.chains,
            size.rules,
            size.sets,
            size.elements,
            *count_judged(ruleset.program),
        )

    with _sink(request) as sink:
        made = _each(compile_node, nodes, request.jobs, sink)
        with _progress(made, len(nodes), request) as steps:
            yield from filter(None, steps)


def _each(
    work: Callable[[str], NodeSummary | None],
    nodes: Sequence[str],
    jobs: int,
    sink: OutputDirectory | StandardOutput,
) -> Iterable[NodeSummary | None]:
    """Return what the work gives for each node, by several processes where that is worth while."""
    if jobs == 1 or len(nodes) < _WORTH_PROCESSES or isinstance(sink, StandardOutput):
        return map(work, nodes)
    sink.prepare()
    made: Iterable[NodeSummary | None] = lazy_import("parallel").in_parallel(work, nodes, jobs)
    return made


def _program_after(pipeline: Pipeline, node: str, stage: str) -> str:
    found: dict[str, Program] = {}

    def keep(name: str, program: Program) -> None:
        found[name] = program

    pipeline.program(node, keep)
    return print_program(found[stage])


@contextmanager
def _sink(request: _Request) -> Iterator[OutputDirectory | StandardOutput]:
    if request.output is None:
        yield StandardOutput()
    else:
        with OutputDirectory(request.output) as directory:
            yield directory


@contextmanager
def _progress(
    made: Iterable[NodeSummary | None], length: int, request: _Request
) -> Iterator[Iterable[NodeSummary | None]]:
    if not request.progress or length < _PROGRESS_FROM:
        yield made
        return
    with click.progressbar(made, length, label="compiling", file=sys.stderr, show_pos=True) as bar:
        yield bar


def _summarize(made: Summary, kind: str) -> None:
    if kind == "table":
        click.echo(as_table(made), err=True, nl=False)
    elif kind == "json":
        click.echo(as_json_line(as_facts(made)), err=True)
