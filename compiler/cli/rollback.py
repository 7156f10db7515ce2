"""``cnpc rollback``: the version before."""

from __future__ import annotations

from pathlib import Path

import click

from .messages import report_message
from .node_options import state_option
from .node_side import open_keeper


@click.command()
@state_option
def command(*, state_dir: Path) -> int:
    """Put the version before in force again; a second time goes forth again.

    While a ruleset waits for its confirmation, this puts back what was in force before it.
    """
    keeper = open_keeper(state_dir)
    before = keeper.read()
    keeper.rollback()
    now = keeper.read().current
    if now is not None:
        if now == before.current:
            report_message("there is no version before this one")
            return 1
        click.echo(f"{now.id} is in force again")
        return 0
    if before.pending is None:
        report_message("there is no version to go back to")
        return 1
    click.echo("no policy is in force, as before")
    return 0
