"""``cnpc diff``: what apply would do."""

from __future__ import annotations

from pathlib import Path

import click

from ...backends.changes import compare
from ...backends.packet_filter import Drift, words_of
from ..errors import CnpcError
from .differences import facts, lines
from .json_output import json_option, print_json
from .messages import report_warning, say
from .node_options import Choices, Permits, compile_options, state_option
from .node_side import header_in_force, header_of_texts, open_keeper, read_given, shown
from .permits import check_permitted
from .read_header import Header


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@compile_options
@json_option
@state_option
def command(
    *,
    paths: tuple[str, ...],
    choices: Choices,
    as_json: bool,
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
        words = f"{words_of(drift.value, now.changed)}; apply puts it right"
        report_warning(keeper.view.obstacle(record) or words)
    new = old
    if paths:
        before = header_in_force(state_dir)
        ruleset = read_given(paths, choices, before)
        _warn_of_refusal(header_of_texts(ruleset.texts), before)
        new = keeper.view.worded(ruleset)
    changes = compare(old, new)
    if as_json:
        drifted = drift.name.lower() if drift is not Drift.NONE else None
        parts = list(now.changed)
        print_json({"drift": drifted, "drifted_parts": parts, **facts(changes, old, new)})
    else:
        for line in lines(changes, old, new):
            say(line)
    return int(bool(changes) or drift is not Drift.NONE)


def _warn_of_refusal(new: Header, old: Header | None) -> None:
    try:
        check_permitted(new, old, Permits(empty=False, other_node=False))
    except CnpcError as refusal:
        report_warning(f"apply refuses this: {refusal}")
