"""``cnpc status``: what is in force on this node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ....backends.apply.dataplane import Drift, Installed
from ....backends.apply.engine import Engine
from ....backends.apply.record import Record, Version
from ....backends.linux import boot_clock
from ....backends.linux.bridges import unjudged
from ...errors import NodeError
from ..output.json_output import json_option, print_json
from ..output.messages import report_warning, say
from ..rulesets.counters import counters
from ..rulesets.read_header import header_of
from ..rulesets.uncounted import uncounted
from .engine import open_engine, shown
from .options import state_option
from .status_report import Status, facts, lines

_LISTED = frozenset((Drift.NONE, Drift.CHANGED, Drift.EARLIER))
"""Where the own rules are there, so that what they have counted can be listed."""


@click.command()
@json_option
@state_option
def command(*, as_json: bool, state_dir: Path) -> int:
    """Show which version is in force since when, from which policies, and whether it was changed.

    What was applied with --counters comes with what each rule matched since it was written last.
    The exit code is 1 if nothing is in force, or not what was loaded.
    """
    engine = open_engine(state_dir)
    status = _status(engine, *engine.look())
    if as_json:
        print_json(facts(status))
    else:
        for line in lines(status):
            say(line)
    return int(not status.well)


def _status(engine: Engine, record: Record, now: Installed[Any]) -> Status:
    drift = now.drift
    layout = shown(engine, record, now)
    current = record.current if now.loaded else None
    listing = _listing(engine, record) if current and drift in _LISTED else ""
    header = header_of(layout.header)
    counted = list(counters(listing))
    pending, expired = record.pending, record.expired
    return Status(
        current.id if current else None,
        current.since if current else None,
        _id(record.previous),
        _id(record.at_boot),
        drift,
        list(now.changed),
        list(engine.view.leftovers(record)),
        engine.view.obstacle(record),
        list(unjudged(header.addresses)) if current else [],
        pending.left(boot_clock.now()) if pending else None,
        _id(expired),
        expired.since if expired else None,
        layout.header[0] if layout.header else "",
        header.node,
        header.level,
        list(header.policies),
        list(header.pods or ()),
        counted,
        list(uncounted(header, (item.rule for item in counted))) if counted else [],
    )


def _listing(engine: Engine, record: Record) -> str:
    """Return the own rules with what they counted, which is not worth an error."""
    try:
        return engine.view.listing(record)
    except NodeError as refusal:
        report_warning(f"nothing can be told of counters: {refusal}")
        return ""


def _id(version: Version | None) -> str | None:
    return version.id if version else None
