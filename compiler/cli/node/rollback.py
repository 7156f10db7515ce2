"""``cnpc rollback``: the version before."""

from __future__ import annotations

from pathlib import Path

import click

from ..output.json_output import json_option, print_json
from ..output.messages import report_message, say
from .engine import open_engine
from .options import state_option


@click.command()
@json_option
@state_option
def command(*, as_json: bool, state_dir: Path) -> int:
    """Put the version before in force again; a second time goes forth again.

    While a ruleset waits for its confirmation, this puts back what was in force before it.
    """
    engine = open_engine(state_dir)
    back = engine.rollback()
    now = (back or engine.read()).current
    if as_json:
        print_json({"version": now.id if now else None, "went_back": back is not None})
    if back is None:
        report_message(f"there is no version {'before this one' if now else 'to go back to'}")
        return 1
    what = f"{now.id} is in force again" if now else "no policy is in force, as before"
    say(what, quiet=as_json)
    return 0
