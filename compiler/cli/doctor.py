"""``cnpc doctor``: what this node lacks."""

from __future__ import annotations

from pathlib import Path

import click

from ...backends.doctor import examine
from ...backends.findings import Level
from .node_options import state_option


@click.command()
@state_option
def command(*, state_dir: Path) -> int:
    """Find what this node lacks, one line each with the remedy; changes nothing.

    The exit code is 1 if something is missing without which nothing can be applied.
    """
    findings = list(examine(state_dir))
    for finding in findings:
        click.echo(f"{finding.level.value:<8} {finding}")
    return int(any(finding.level is Level.MISSING for finding in findings))
