"""``cnpc flush``: remove everything that apply loaded."""

from __future__ import annotations

from pathlib import Path

import click

from ..output.json_output import json_option, print_json
from ..output.messages import report_warning, say
from .engine import open_engine
from .options import state_option


@click.command()
@json_option
@state_option
def command(*, as_json: bool, state_dir: Path) -> int:
    """Remove everything of cnpc from the kernel and from the next boot, and nothing else.

    Afterwards no policy is in force; cnpc rollback brings the last one back.
    """
    found = open_engine(state_dir).flush(report_warning)
    if as_json:
        print_json({"removed": found})
    what = "no policy is in force any more" if found else "nothing of cnpc was here"
    say(what, quiet=as_json)
    return 0
