"""``cnpc flush``: remove everything that apply loaded."""

from __future__ import annotations

from pathlib import Path

import click

from .messages import report_warning
from .node_options import state_option
from .node_side import open_keeper


@click.command()
@state_option
def command(*, state_dir: Path) -> int:
    """Remove everything of cnpc from the kernel and from the next boot, and nothing else.

    Afterwards no policy is in force; cnpc rollback brings the last one back.
    """
    found = open_keeper(state_dir).flush(report_warning)
    click.echo("no policy is in force any more" if found else "nothing of cnpc was here")
    return 0
