"""``cnpc apply``: put a ruleset in force on this node, atomically."""

from __future__ import annotations

from pathlib import Path

import click

from .json_output import json_option
from .later import later
from .messages import say
from .node_options import Choices, Permits, compile_options, permit_options, state_option
from .parameters import Duration
from .unchanged import nothing_to_do, unchanged

_EPILOG = """\b
Examples:
  cnpc apply /etc/cnpc/worker-1.nft
  cnpc apply /etc/cnpc/worker-1.v4    and the .ipset and .v6 beside it
  kubectl get ns,pods,nodes,netpol,clusternetworkpolicies.policy.networking.k8s.io \\
    -A -o json | cnpc apply - --node worker-1
  cnpc apply new.nft --confirm 60s    and then, if you still can:  cnpc apply --confirmed
"""


@click.command(epilog=_EPILOG)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@compile_options
@permit_options
@click.option("--check", is_flag=True, help="Let the kernel judge the ruleset, and load nothing.")
@click.option(
    "--confirm",
    metavar="TIME",
    type=Duration(),
    help="Put the old ruleset back unless 'cnpc apply --confirmed' follows within 60s, or 2m, say.",
)
@click.option("--confirmed", is_flag=True, help="Keep the ruleset that waits for this.")
@click.option(
    "--cut-established",
    "cut",
    is_flag=True,
    help="End connections that the ruleset denies; by default they live on, as Kubernetes has it.",
)
@click.option("--watch", "watching", is_flag=True, help="Stay, and undo what others change.")
@state_option
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Say nothing where all is well.")
def command(  # noqa: PLR0913 - one parameter for each option of the command line
    *,
    paths: tuple[str, ...],
    choices: Choices,
    permits: Permits,
    check: bool,
    confirm: float | None,
    confirmed: bool,
    cut: bool,
    watching: bool,
    state_dir: Path,
    quiet: bool,
    as_json: bool,
) -> int:
    """Put a ruleset in force on this node: exactly that one, or exactly the old one stays.

    PATH is a ruleset that cnpc compile wrote (.nft; or .ipset, .v4 and .v6, of which one names
    all three), or manifests, which --node compiles first; a - is standard input. Only what differs
    is sent to the kernel, and nothing where nothing does. Without PATH, --watch keeps in force
    what was loaded last, and what is loaded later.
    """
    if bool(paths) == confirmed and not (watching and not paths):
        raise click.UsageError("give a PATH, or --confirmed or --watch and no PATH")
    if sum((check, confirm is not None, watching)) > 1:
        raise click.UsageError("--check, --confirm and --watch exclude each other")
    if cut and (check or confirmed):
        raise click.UsageError("--cut-established belongs to an apply that loads")
    if watching and not paths:
        later("applying").keep(state_dir)
        return 0
    if confirmed:
        kept: int = later("applying").confirmed(state_dir, as_json=as_json)
        return kept
    if not any((check, confirm, cut, watching, as_json)):
        version = unchanged(paths, choices, state_dir)
        if version is not None:
            say(nothing_to_do(version), quiet=quiet)
            return 0
    later("applying").apply(
        paths,
        choices,
        state_dir,
        check=check,
        confirm=confirm,
        permits=permits,
        cut=cut,
        watching=watching,
        quiet=quiet,
        as_json=as_json,
    )
    return 0
