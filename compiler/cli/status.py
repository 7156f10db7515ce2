"""``cnpc status``: what is in force on this node."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from ...backends.keeper import Keeper
from ...backends.notes import Record, Version
from ...backends.packet_filter import Drift, InForce
from ..errors import NodeError
from .counters import RuleCounter, by_rule, counters
from .messages import report_warning
from .node_options import state_option
from .node_side import open_keeper, shown
from .read_header import header_of

_LISTED = {Drift.NONE, Drift.CHANGED}


@dataclass(frozen=True, slots=True)
class Status:
    """All that is told; times are UTC."""

    version: str | None
    since: str | None
    previous: str | None
    next_boot: str | None
    drift: str
    beside: list[str]
    """Where rules of ours judge packets too, which are of another kind."""
    obstacle: str
    """Why cnpc apply would load nothing, with the remedy."""
    confirm_within: int | None
    """Seconds until the old ruleset comes back."""
    summary: str
    """The first line of the ruleset's comment: node and compiler."""
    policies: list[str]
    counters: list[RuleCounter]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@state_option
def command(*, as_json: bool, state_dir: Path) -> int:
    """Show which version is in force since when, from which policies, and whether it was changed.

    What was applied with --counters comes with what each rule matched since it was written last.
    The exit code is 1 if nothing is in force, or not what was loaded.
    """
    keeper = open_keeper(state_dir)
    status = _status(keeper, *keeper.look())
    if as_json:
        click.echo(json.dumps(asdict(status)))
    else:
        for line in _lines(status):
            click.echo(line)
    return int(status.version is None or bool(status.drift or status.beside or status.obstacle))


def _status(keeper: Keeper, record: Record, now: InForce[Any]) -> Status:
    drift = now.drift
    layout = shown(keeper, record, now)
    current = record.current if now.loaded else None
    listing = _listing(keeper, record) if current and drift in _LISTED else ""
    pending = record.pending
    return Status(
        current.id if current else None,
        current.since if current else None,
        _id(record.previous),
        _id(record.at_boot),
        drift.value,
        list(keeper.view.beside(record)),
        keeper.view.obstacle(record),
        pending.left(time.time()) if pending else None,
        layout.header[0] if layout.header else "",
        list(header_of(layout.header).policies),
        list(counters(listing)),
    )


def _listing(keeper: Keeper, record: Record) -> str:
    """Return the own rules with what they counted, which is not worth an error."""
    try:
        return keeper.view.listing(record)
    except NodeError as refusal:
        report_warning(f"nothing can be told of counters: {refusal}")
        return ""


def _id(version: Version | None) -> str | None:
    return version.id if version else None


def _lines(status: Status) -> Iterator[str]:
    yield from _in_force(status)
    if status.confirm_within is not None:
        yield f"the version before comes back in {status.confirm_within} s without a confirmation"
    if status.previous:
        yield f"before it: {status.previous} (cnpc rollback)"
    if status.next_boot != status.version:
        yield f"the next boot loads {status.next_boot or 'no ruleset'}"
    if status.summary:
        yield status.summary
    yield from (f"  {policy}" for policy in status.policies)
    if status.counters:
        yield f"{'packets':>12}  {'bytes':>15}  rule"
    for rule, (packets, octets) in by_rule(status.counters).items():
        yield f"{packets:>12,}  {octets:>15,}  {rule}"


def _in_force(status: Status) -> Iterator[str]:
    """Yield what judges, and what is wrong with it."""
    if status.version is None:
        yield "no ruleset is in force"
    elif status.drift == Drift.GONE.value:
        yield (
            f"NOT in force: {status.version}, loaded {status.since}, was removed from the kernel; "
            "cnpc apply puts it back"
        )
    else:
        yield f"{status.version} is in force since {status.since}"
    if status.obstacle:
        yield f"but {status.obstacle}"
    elif status.drift not in {Drift.NONE.value, Drift.GONE.value}:
        yield f"but {status.drift}; cnpc apply puts it right"
    if status.beside:
        too = " too" if status.version else ""
        places = " and ".join(status.beside)
        yield f"but rules of cnpc in {places} judge{too}; cnpc apply puts it right"
