"""``cnpc save``: keep a ruleset for the next boot."""

from __future__ import annotations

from pathlib import Path

import click

from .messages import report_message
from .node_options import Choices, Permits, compile_options, permit_options, state_option
from .node_side import header_in_force, header_of_texts, open_keeper, read_given
from .permits import check_permitted


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@compile_options
@permit_options
@state_option
def command(
    *,
    paths: tuple[str, ...],
    choices: Choices,
    permits: Permits,
    state_dir: Path,
) -> int:
    """Keep a ruleset for the next boot, without loading it now.

    What apply loads is kept anyway, and ends what was saved before. Without PATH, says what the
    next boot loads.
    """
    keeper = open_keeper(state_dir)
    if paths:
        before = header_in_force(state_dir)
        ruleset = read_given(paths, choices, before)
        check_permitted(header_of_texts(ruleset.texts), before, permits)
        keeper.save(ruleset)
    version = keeper.read().at_boot
    if version is None:
        report_message("no ruleset is saved")
        return 1
    click.echo(f"the next boot loads {version.id}")
    return 0
