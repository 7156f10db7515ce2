"""``cnpc doctor``: what this node lacks."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ....backends.linux.doctor import examine
from ....backends.linux.finding import Finding, Level
from ...errors import Part
from ..output.colours import paint_for
from ..output.json_output import json_option, print_json
from ..output.messages import say
from .options import state_option

_PARTS = {Level.FINE: Part.WELL, Level.WARNING: Part.WARNING, Level.MISSING: Part.ERROR}


@click.command()
@json_option
@state_option
def command(*, as_json: bool, state_dir: Path) -> int:
    """Find what this node lacks, one line each with the remedy; changes nothing.

    The exit code is 1 if something is missing without which nothing can be applied.
    """
    findings = list(examine(state_dir))
    if as_json:
        print_json({"findings": [_facts(finding) for finding in findings]})
    else:
        paint = paint_for(sys.stdout)
        for finding in findings:
            level = paint(f"{finding.level.value:<8}", _PARTS[finding.level])
            say(f"{level} {finding}", color=True)
    return int(any(finding.level is Level.MISSING for finding in findings))


def _facts(finding: Finding) -> dict[str, str | None]:
    return {
        "level": finding.level.value,
        "text": finding.text,
        "remedy": finding.remedy or None,
    }
