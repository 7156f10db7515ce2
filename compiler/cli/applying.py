"""What ``cnpc apply`` does where a ruleset has to be read, compared and loaded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from ...backends.keeper import Hold, Outcome
from ...backends.transaction import Kind
from .guardian import start_guardian
from .messages import report_message, report_warning, say
from .node_options import Choices, Permits
from .node_side import header_in_force, header_of_texts, open_keeper, read_given
from .permits import check_permitted
from .read_header import Header
from .unchanged import nothing_to_do
from .watch import watch
from .what_changed import compare_headers, contents, in_words

_OTHER = {Kind.NOTHING: "it is in force already", Kind.ELEMENTS: "other addresses"}
"""What is said where neither policies nor pods came or went."""


def apply(  # noqa: PLR0913 - one parameter for each option of the command line
    paths: Sequence[str],
    choices: Choices,
    state_dir: Path,
    *,
    check: bool,
    confirm: float | None,
    permits: Permits,
    cut: bool,
    watching: bool,
    quiet: bool,
) -> None:
    """Put the ruleset in force, or with ``check`` only let the kernel judge it."""
    before = header_in_force(state_dir)
    ruleset = read_given(paths, choices, before)
    after = header_of_texts(ruleset.texts)
    check_permitted(after, before, permits)
    keeper = open_keeper(state_dir)
    if check:
        kind = keeper.check(ruleset).kind
        say(f"the kernel accepts it: {_what(kind, before, after)}", quiet=quiet)
        return
    outcome = keeper.apply(ruleset, _hold(confirm, state_dir))
    _warn(outcome)
    say(_describe(outcome, before, after), quiet=quiet)
    if outcome.pending:
        left = outcome.pending.left(time.time())
        say(f"it goes away in {left} s without: cnpc apply --confirmed", quiet=quiet)
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


def _warn(outcome: Outcome) -> None:
    if outcome.drift.value:
        report_warning(f"{outcome.drift.before}; it was put right")
    if outcome.released:
        report_warning(f"the confirmation of {outcome.released.id} is no longer waited for")
    if outcome.removed:
        places = " and ".join(outcome.removed)
        report_warning(f"rules of cnpc in {places} judged too; they were removed")


def _describe(outcome: Outcome, before: Header | None, after: Header) -> str:
    if outcome.plan.kind is Kind.NOTHING:
        return nothing_to_do(outcome.version)
    milliseconds = outcome.seconds * 1000
    what = _what(outcome.plan.kind, before, after)
    return f"{outcome.version.id} is in force: {what}, {milliseconds:.0f} ms"


def _what(kind: Kind, before: Header | None, after: Header) -> str:
    """Return what changes, or all that the ruleset has where nothing of it was in force."""
    if before is None or kind is Kind.LOAD:
        return contents(after)
    words = in_words(compare_headers(before, after))
    if words or kind is Kind.REPLACE:
        return words or contents(after)
    if before.has_counters != after.has_counters:
        return "with counters" if after.has_counters else "without counters"
    return _OTHER.get(kind, "other rules")
