"""What ``cnpc status`` tells, as lines for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from ....backends.apply.dataplane import Drift, words_of
from ....backends.linux.bridges import REMEDY, words
from ..rulesets.counters import RuleCounter, by_rule
from ..rulesets.uncounted import words_of_uncounted


@dataclass(frozen=True, slots=True)
class Status:
    """All that is told; times are UTC."""

    version: str | None
    since: str | None
    previous: str | None
    next_boot: str | None
    drift: Drift
    drifted_parts: list[str]
    """What somebody changed, in words, as far as that can be told."""
    beside: list[str]
    """Where rules of ours judge packets too, which are of another kind."""
    obstacle: str
    """Why cnpc apply would load nothing, with the remedy."""
    unjudged_bridges: list[str]
    """Bridges that pods hang on, whose frames no packet filter judges."""
    confirm_within_seconds: int | None
    """Until the old ruleset comes back."""
    expired: str | None
    """The version that was taken back last, as nobody confirmed it."""
    expired_at: str | None
    summary: str
    """The first line of the ruleset's comment: node and compiler."""
    node: str | None
    level: int | None
    """The optimisation level that it was compiled at."""
    policies: list[str]
    pods: list[str]
    counters: list[RuleCounter]
    not_counted: list[str]
    """Of what is in force with counters, those policies of which no rule counts."""

    @property
    def well(self) -> bool:
        """Whether what was loaded is in force, and nothing else of cnpc."""
        drifted = self.drift is not Drift.NONE
        return self.version is not None and not (drifted or self.beside or self.obstacle)


def facts(status: Status) -> Mapping[str, object]:
    """Return the status as JSON has it (docs/schema/status.json)."""
    drifted = status.drift is not Drift.NONE
    return {
        **asdict(status),
        "well": status.well,
        "drift": status.drift.name.lower() if drifted else None,
        "obstacle": status.obstacle or None,
        "summary": status.summary or None,
    }


def lines(status: Status) -> Iterator[str]:
    """Yield the status as people read it."""
    yield from _in_force(status)
    yield from _confirmation(status)
    if status.previous:
        yield f"before it: {status.previous} (cnpc rollback)"
    if status.next_boot != status.version:
        yield f"the next boot loads {status.next_boot or 'no ruleset'}"
    if status.summary:
        yield status.summary
    yield from (f"  {policy}" for policy in status.policies)
    yield from _counted(status)


def _confirmation(status: Status) -> Iterator[str]:
    if status.confirm_within_seconds is not None:
        left = status.confirm_within_seconds
        yield f"the version before comes back in {left} s without a confirmation"
    if status.expired:
        yield f"{status.expired} was taken back at {status.expired_at}: nobody confirmed it in time"


def _counted(status: Status) -> Iterator[str]:
    if not status.counters:
        return
    yield f"{'packets':>12}  {'bytes':>15}  rule"
    for rule, (packets, octets) in by_rule(status.counters).items():
        yield f"{packets:>12,}  {octets:>15,}  {rule}"
    yield from words_of_uncounted(status.level, status.policies, status.not_counted)


def _in_force(status: Status) -> Iterator[str]:
    """Yield what judges, and what is wrong with it."""
    if status.version is None:
        yield "no ruleset is in force"
    elif status.drift is Drift.GONE:
        yield (
            f"NOT in force: {status.version}, loaded {status.since}, was removed from the kernel; "
            "cnpc apply puts it back"
        )
    else:
        yield f"{status.version} is in force since {status.since}"
    if status.obstacle:
        yield f"but {status.obstacle}"
    elif status.drift not in {Drift.NONE, Drift.GONE}:
        yield f"but {words_of(status.drift.value, status.drifted_parts)}; cnpc apply puts it right"
    if status.beside:
        too = " too" if status.version else ""
        places = " and ".join(status.beside)
        yield f"but rules of cnpc in {places} judge{too}; cnpc apply puts it right"
    if status.unjudged_bridges:
        yield f"but {words(status.unjudged_bridges)}; {REMEDY}"
