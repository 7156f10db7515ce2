"""``cnpc save``: keep a ruleset for the next boot."""

from __future__ import annotations

from pathlib import Path

import click

from ..output.json_output import json_option, print_json
from ..output.messages import report_message, say
from ..rulesets.read import header_in_force, header_of_texts, read_source
from .applying.safety_checks import check_permitted
from .engine import open_engine
from .options import Choices, Permits, compile_options, permit_options, state_option


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@compile_options
@permit_options
@json_option
@state_option
def command(
    *,
    paths: tuple[str, ...],
    choices: Choices,
    permits: Permits,
    as_json: bool,
    state_dir: Path,
) -> int:
    """Keep a ruleset for the next boot, without loading it now.

    What apply loads is kept anyway, and ends what was saved before. Without PATH, says what the
    next boot loads.
    """
    engine = open_engine(state_dir)
    if paths:
        before = header_in_force(state_dir)
        ruleset = read_source(paths, choices, before)
        check_permitted(header_of_texts(ruleset.texts), before, permits)
        engine.save(ruleset)
    version = engine.read().at_boot
    if as_json:
        print_json({"next_boot": version.id if version else None})
    if version is None:
        report_message("no ruleset is saved")
        return 1
    say(f"the next boot loads {version.id}", quiet=as_json)
    return 0
