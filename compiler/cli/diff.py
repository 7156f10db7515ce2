"""``cnpc diff``: what apply would do."""

from __future__ import annotations

from pathlib import Path

import click

from ...backends.changes import compare
from ...backends.packet_filter import Drift
from .differences import lines
from .messages import report_warning
from .node_options import Choices, compile_options, state_option
from .node_side import header_in_force, open_keeper, read_given, shown


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@compile_options
@state_option
def command(
    *,
    paths: tuple[str, ...],
    choices: Choices,
    state_dir: Path,
) -> int:
    """Show what apply would change on this node: policies, elements of sets, rules of chains.

    Without PATH, tells whether somebody changed what was loaded. The exit code is 1 if anything
    would change.
    """
    keeper = open_keeper(state_dir)
    record, now = keeper.look()
    old = shown(keeper, record, now)
    drift = now.drift
    if drift is not Drift.NONE:
        report_warning(keeper.view.obstacle(record) or f"{drift.value}; apply puts it right")
    if not paths:
        return int(drift is not Drift.NONE)
    ruleset = read_given(paths, choices, header_in_force(state_dir))
    new = keeper.view.worded(ruleset)
    changes = compare(old, new)
    for line in lines(changes, old, new):
        click.echo(line)
    return int(bool(changes) or drift is not Drift.NONE)
