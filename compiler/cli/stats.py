"""``cnpc stats``: how large a node's ruleset is, and what its pods' new connections meet in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import click

from ...backends.nft_size import size
from ...backends.nft_text import read_text
from ...backends.nft_walk import Peers, Walker, join
from ...backends.nftables import Nftables
from ..manifests import Inputs, OnUnknown, load
from ..net import Family
from ..options import DenyWith, Options, OwnNode
from ..passes import PASSES
from ..pipeline import Pipeline
from ..snapshot import Endpoint, Snapshot
from . import arguments
from .messages import report
from .nodes import choose
from .stats_report import Line, Stats, as_json, as_table

_EPILOG = """\b
Examples:
  cnpc stats cluster.yaml policies/ --node worker-1
  cnpc stats cluster.yaml policies/ --node worker-1 --compare -O0
"""


@click.command(epilog=_EPILOG)
@arguments.paths
@click.option("--node", metavar="NAME", required=True, help="The node whose ruleset is counted.")
@arguments.level
@click.option(
    "--compare",
    type=click.Choice([f"-O{level}" for level in PASSES]),
    help="Show another optimisation level beside it.",
)
@arguments.meaning
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON, with a line for every pod.")
def command(  # noqa: PLR0913 - one parameter for each option of the command line
    *,
    paths: tuple[str, ...],
    node: str,
    level: str,
    compare: str | None,
    deny_with: str,
    own_node: str,
    on_unknown: str,
    json_wanted: bool,
) -> None:
    """Count a node's ruleset as it is emitted, and what new connections meet in it.

    Sets and maps include those within rules. Kernel memory is an estimate from measurements on
    Linux 6.18: bytes per element by type of set, per rule, chain and table.

    For each pod and direction: the rules that are evaluated and the look-ups in sets and maps that
    are made before a new connection is judged, the most and the mean over all endpoints and nodes
    of the snapshot as peers, and over the protocols and ports that the pod's rules tell apart (at
    most 32, evenly chosen). If the peer is a pod of this node too, its judgement is counted in its
    own line.
    """
    inputs = load(paths, on_unknown=OnUnknown(on_unknown))
    report(inputs.warnings)
    levels = [int(level), *([int(compare.removeprefix("-O"))] if compare else [])]
    options = Options(DenyWith(deny_with), OwnNode(own_node))
    found = [_stats(inputs, node, options, number) for number in dict.fromkeys(levels)]
    click.echo(as_json(found) if json_wanted else as_table(found), nl=False)


def _stats(inputs: Inputs, node: str, options: Options, level: int) -> Stats:
    pipeline = Pipeline(inputs.snapshot, inputs.policies, options, level)
    (chosen,) = choose(pipeline.resolver.node_names(), [node])
    text = read_text(Nftables().build(pipeline.program(chosen), ()).texts["nft"])
    walker = Walker(text, {family: _peers(inputs.snapshot, family) for family in Family})
    pods = [inputs.snapshot.endpoints[position] for position in pipeline.resolver.local(chosen)]
    return Stats(chosen, level, size(text), tuple(_lines(pods, walker)))


def _peers(snapshot: Snapshot, family: Family) -> Peers:
    pods = (address for item in snapshot.endpoints for address in item.addresses)
    nodes = (address for item in snapshot.nodes for address in item.addresses)
    return Peers(number for kind, number in chain(pods, nodes) if kind is family)


def _lines(pods: Sequence[Endpoint], walker: Walker) -> Iterator[Line]:
    for pod in pods:
        for source in (True, False):
            costs = [
                walker.cost(family, address, source=source) for family, address in pod.addresses
            ]
            yield Line(
                f"{pod.namespace}/{pod.name}", "egress" if source else "ingress", join(costs)
            )
