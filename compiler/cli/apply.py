"""``cnpc apply``: put a ruleset in force on this node, atomically."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...backends.keeper import Hold, Keeper, Outcome
from ...backends.packet_filter import Given, Planned
from ...backends.transaction import Kind
from ..errors import NodeError
from .guardian import start_guardian
from .messages import report_line
from .node_side import Choices, compile_options, open_keeper, read_given, state_option
from .watch import watch

_EPILOG = """\b
Examples:
  cnpc apply /etc/cnpc/worker-1.nft
  cnpc apply /etc/cnpc/worker-1.v4    and the .ipset and .v6 beside it
  kubectl get ns,pods,nodes,netpol,cnp -A -o yaml | cnpc apply - --node worker-1
  cnpc apply new.nft --confirm 60    and then, if you still can:  cnpc apply --confirmed
"""


@click.command(epilog=_EPILOG)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@compile_options
@click.option("--check", is_flag=True, help="Let the kernel judge the ruleset, and load nothing.")
@click.option(
    "--confirm",
    metavar="SECONDS",
    type=click.FloatRange(min=1),
    help="Put the old ruleset back unless 'cnpc apply --confirmed' follows in time.",
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
@click.option("-q", "--quiet", is_flag=True, help="Say nothing where all is well.")
def command(  # noqa: PLR0913 - one parameter for each option of the command line
    *,
    paths: tuple[str, ...],
    choices: Choices,
    check: bool,
    confirm: float | None,
    confirmed: bool,
    cut: bool,
    watching: bool,
    state_dir: Path,
    quiet: bool,
) -> int:
    """Put a ruleset in force on this node: exactly that one, or exactly the old one stays.

    PATH is a ruleset that cnpc compile wrote (.nft; or .ipset, .v4 and .v6, of which one names
    all three), or manifests, which --node compiles first; a - is standard input. Only what differs
    is sent to the kernel, and nothing where nothing does.
    """
    if bool(paths) == confirmed:
        raise click.UsageError("give a PATH, or --confirmed and no PATH")
    if sum((check, confirm is not None, watching)) > 1:
        raise click.UsageError("--check, --confirm and --watch exclude each other")
    if cut and (check or confirmed):
        raise click.UsageError("--cut-established belongs to an apply that loads")
    if confirmed:
        return _confirmed(open_keeper(state_dir))
    ruleset = read_given(paths, choices)
    keeper = open_keeper(state_dir)
    if check:
        _say(f"the kernel accepts it: {_amount(keeper.check(ruleset))}", quiet=quiet)
        return 0
    _apply(keeper, ruleset, _hold(confirm, state_dir), quiet=quiet)
    if cut:
        _say(f"{keeper.cut(ruleset):,} established connections ended", quiet=quiet)
    if watching:
        watch(keeper)
    return 0


def _hold(confirm: float | None, state_dir: Path) -> Hold | None:
    if confirm is None:
        return None
    return Hold(confirm, lambda pending: start_guardian(state_dir, pending))


def _apply(keeper: Keeper, ruleset: Given[Any], hold: Hold | None, *, quiet: bool) -> None:
    waiting = keeper.read().pending
    if waiting and hold:
        raise NodeError("a ruleset waits already: cnpc apply --confirmed, or cnpc rollback, first")
    outcome = keeper.apply(ruleset, hold)
    if outcome.drift.value:
        report_line(f"warning: {outcome.drift.value}; it was put right")
    _say(_describe(outcome), quiet=quiet)
    if hold and outcome.plan.kind is not Kind.NOTHING:
        _say(f"it goes away in {hold.seconds:g} s without: cnpc apply --confirmed", quiet=quiet)


def _describe(outcome: Outcome) -> str:
    name = outcome.version.id
    if outcome.plan.kind is Kind.NOTHING:
        return f"{name} is in force already; nothing to do"
    return f"{name} is in force: {_amount(outcome.plan)} in {outcome.seconds * 1000:.0f} ms"


def _amount(plan: Planned) -> str:
    commits = len(plan.transactions)
    return f"{plan.operations:,} operations, {commits} commit{'' if commits == 1 else 's'}"


def _confirmed(keeper: Keeper) -> int:
    version = keeper.confirm()
    if version is None:
        report_line("no ruleset waits for a confirmation; the time may be over (cnpc status)")
        return 1
    click.echo(f"{version.id} stays")
    return 0


def _say(line: str, *, quiet: bool) -> None:
    if not quiet:
        click.echo(line)
