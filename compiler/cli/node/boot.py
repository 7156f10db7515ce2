"""``cnpc boot``: load the saved ruleset, before the network is up."""

from __future__ import annotations

from pathlib import Path

import click

from ..output.json_output import json_option, print_json
from ..output.messages import report_message, say
from .boot_load import boot_last
from .engine import open_engine
from .options import state_option


@click.command()
@json_option
@state_option
def command(*, as_json: bool, state_dir: Path) -> int:
    """Load the ruleset that was saved, or was in force last, as the system starts.

    deploy/cnpc.service runs this before the network is up. A ruleset that still waited for its
    confirmation does not come back. If the ruleset is damaged, or the kernel refuses it, the one
    before it is loaded, with a warning.
    """
    engine = open_engine(state_dir)
    version = boot_last(engine)
    if as_json:
        print_json({"version": version.id if version else None})
    if version is None:
        report_message("no ruleset is saved; nothing to load")
    else:
        say(f"{version.id} is in force", quiet=as_json)
        if words := engine.view.left_out(version.backend):
            report_message(words)
    return 0
