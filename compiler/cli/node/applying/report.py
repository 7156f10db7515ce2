"""What ``cnpc apply`` tells of a ruleset, as words for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from .....backends.apply.dataplane import Drift, Planned
from .....backends.apply.outcome import ApplyResult
from .....backends.apply.record import Version
from .....backends.linux import boot_clock
from .....backends.nftables.plan import PlanKind
from ...rulesets.policy_diff import Changed, compare_headers, contents, facts_of, in_words
from ...rulesets.read_header import Header
from ..apply import nothing_to_do

_OTHER = {PlanKind.NOTHING: "it is in force already", PlanKind.ELEMENTS: "other addresses"}
"""What is said where neither policies nor pods came or went."""


def describe(outcome: ApplyResult, before: Header | None, after: Header) -> str:
    """Return the line that says what is in force now, what changed, and how long that took."""
    if outcome.plan.kind is PlanKind.NOTHING:
        return nothing_to_do(outcome.version)
    milliseconds = outcome.seconds * 1000
    what = describe_change(outcome.plan.kind, before, after)
    return f"{outcome.version.id} is in force: {what}, {milliseconds:.0f} ms"


def describe_change(kind: PlanKind, before: Header | None, after: Header) -> str:
    """Return what changes, or all that the ruleset has where nothing of it was in force."""
    if before is None or kind is PlanKind.LOAD:
        return contents(after)
    words = in_words(compare_headers(before, after))
    if words or kind is PlanKind.REPLACE:
        return words or contents(after)
    if before.has_counters != after.has_counters:
        return "with counters" if after.has_counters else "without counters"
    return _OTHER.get(kind, "other rules")


def facts_of_outcome(
    outcome: ApplyResult, before: Header | None, after: Header
) -> Mapping[str, object]:
    """Return what an apply did, as JSON has it (docs/schema/apply.json)."""
    pending = outcome.pending
    drifted = outcome.drift is not Drift.NONE
    return {
        **facts_of_plan(outcome.plan, before, after),
        "version": outcome.version.id,
        "seconds": round(outcome.seconds, 6),
        "drift": outcome.drift.name.lower() if drifted else None,
        "drifted_parts": list(outcome.changed),
        "no_longer_waiting": outcome.released.id if outcome.released else None,
        "removed_leftovers": list(outcome.removed),
        "confirm_within_seconds": pending.left(boot_clock.now()) if pending else None,
    }


def facts_of_plan(planned: Planned, before: Header | None, after: Header) -> Mapping[str, object]:
    """Return what an apply would do, as JSON has it."""
    changed = compare_headers(before or Header(pods=()), after)
    return {
        **_NOTHING,
        "kind": planned.kind.value,
        "commits": len(planned.transactions),
        "operations": planned.operations,
        **facts_of(changed),
    }


def facts_of_confirmation(version: Version | None) -> Mapping[str, object]:
    """Return which version was confirmed, as JSON has it."""
    return {**_NOTHING, "confirmed": version.id if version else None}


_NOTHING: Mapping[str, object] = {
    "version": None,
    "kind": None,
    "commits": None,
    "operations": None,
    "seconds": None,
    **facts_of(Changed((), (), (), (), (), 0)),
    "drift": None,
    "drifted_parts": [],
    "no_longer_waiting": None,
    "removed_leftovers": [],
    "confirm_within_seconds": None,
    "connections_ended": None,
    "not_counted": [],
    "confirmed": None,
}
"""Every key, where there is nothing to tell."""
