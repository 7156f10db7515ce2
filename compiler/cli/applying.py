"""What ``cnpc apply`` does where a ruleset has to be read, compared and loaded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...backends.keeper import Hold, Keeper, Outcome
from ...backends.packet_filter import Given, Planned
from ...backends.transaction import Kind
from .counts import count
from .guardian import start_guardian
from .messages import report_message, report_warning, say
from .node_options import Choices
from .node_side import open_keeper, read_given
from .unchanged import nothing_to_do
from .watch import watch


def apply(  # noqa: PLR0913 - one parameter for each option of the command line
    paths: Sequence[str],
    choices: Choices,
    state_dir: Path,
    *,
    check: bool,
    confirm: float | None,
    cut: bool,
    watching: bool,
    quiet: bool,
) -> None:
    """Put the ruleset in force, or with ``check`` only let the kernel judge it."""
    ruleset = read_given(paths, choices)
    keeper = open_keeper(state_dir)
    if check:
        say(f"the kernel accepts it: {_amount(keeper.check(ruleset))}", quiet=quiet)
        return
    _load(keeper, ruleset, _hold(confirm, state_dir), quiet=quiet)
    if cut:
        say(f"{keeper.cut(ruleset):,} established connections ended", quiet=quiet)
    if watching:
        watch(keeper)


def confirmed(state_dir: Path) -> int:
    """Keep the ruleset that waits for this; 1 if none does."""
    version = open_keeper(state_dir).confirm()
    if version is None:
        report_message("no ruleset waits for a confirmation; the time may be over (cnpc status)")
        return 1
    say(f"{version.id} stays")
    return 0


def _hold(confirm: float | None, state_dir: Path) -> Hold | None:
    if confirm is None:
        return None
    return Hold(confirm, lambda pending: start_guardian(state_dir, pending))


def _load(keeper: Keeper, ruleset: Given[Any], hold: Hold | None, *, quiet: bool) -> None:
    outcome = keeper.apply(ruleset, hold)
    if outcome.drift.value:
        report_warning(f"{outcome.drift.before}; it was put right")
    if outcome.released:
        report_warning(f"the confirmation of {outcome.released.id} is no longer waited for")
    if outcome.removed:
        places = " and ".join(outcome.removed)
        report_warning(f"rules of cnpc in {places} judged too; they were removed")
    say(_describe(outcome), quiet=quiet)
    if outcome.pending:
        left = outcome.pending.left(time.time())
        say(f"it goes away in {left} s without: cnpc apply --confirmed", quiet=quiet)


def _describe(outcome: Outcome) -> str:
    if outcome.plan.kind is Kind.NOTHING:
        return nothing_to_do(outcome.version)
    milliseconds = outcome.seconds * 1000
    return f"{outcome.version.id} is in force: {_amount(outcome.plan)} in {milliseconds:.0f} ms"


def _amount(plan: Planned) -> str:
    return f"{plan.operations:,} operations, {count(len(plan.transactions), 'commit')}"
