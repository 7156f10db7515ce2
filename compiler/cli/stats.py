"""``cnpc stats``: how large a node's ruleset is, and what its pods' new connections meet in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import click

from ...backends.base import Backend
from ...backends.iptables_layout import read_iptables
from ...backends.iptables_meaning import programs_of
from ...backends.iptables_size import iptables_size
from ...backends.layout import read_layout
from ...backends.meaning import program_of
from ...backends.nft_size import nft_size
from ...backends.peers import Peers
from ...backends.ruleset_size import RulesetSize
from ...backends.walk import Walker, join
from ..manifests import Inputs
from ..net import Family
from ..options import LEVELS, DenyWith, Options, OwnNode
from ..pipeline import Pipeline
from ..snapshot import Endpoint, Snapshot
from . import arguments
from .backends import BACKENDS, backend_option, passes_of
from .inputs import read_inputs
from .json_output import diagnostics_json, json_option, print_json
from .many_sets import many_sets
from .nodes import this_node
from .parameters import max_errors_option
from .reports import report, report_warnings
from .stats_report import Line, Stats, as_facts, as_table

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
        program = program_of(read_layout(texts["nft"]))
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


def _lines(pods: Sequence[Endpoint], walkers: Mapping[Family, Walker]) -> Iterator[Line]:
    for pod in pods:
        for source in (True, False):
            costs = [
                walkers[family].cost(family, address, source=source)
                for family, address in pod.addresses
            ]
            yield Line(
                f"{pod.namespace}/{pod.name}", "egress" if source else "ingress", join(costs)
            )
