"""What ``cnpc apply`` does where a ruleset has to be read, compared and loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from .....backends.apply.dataplane import RulesetSource, words_of
from .....backends.apply.engine import Engine
from .....backends.apply.outcome import ApplyResult, ConfirmTimeout
from .....backends.apply.record import Version
from .....backends.linux import boot_clock
from .....backends.linux.bridges import REMEDY, unjudged, words
from ....errors import NodeError
from ...output.json_output import print_json
from ...output.messages import report_message, report_warning, say
from ...rulesets.read import header_in_force, header_of_texts, read_source
from ...rulesets.read_header import Header
from ...rulesets.refused_lines import blame
from ...rulesets.uncounted import counting_rules, uncounted, words_of_uncounted
from ..boot_load import load_if_missing
from ..engine import open_engine
from ..options import Choices, Permits
from .confirm import start_guardian
from .report import (
    describe,
    describe_change,
    facts_of_confirmation,
    facts_of_outcome,
    facts_of_plan,
)
from .safety_checks import check_permitted
from .watch import watch

T = TypeVar("T")


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
    as_json: bool,
) -> None:
    """Put the ruleset in force, or with ``check`` only let the kernel judge it."""
    before = header_in_force(state_dir)
    ruleset = read_source(paths, choices, before)
    after = header_of_texts(ruleset.texts)
    check_permitted(after, before, permits)
    engine = open_engine(state_dir)
    quiet = quiet or as_json
    if check:
        planned = _blaming(engine.check, ruleset, paths)
        what = describe_change(planned.kind, before, after)
        say(f"the kernel accepts it: {what}", quiet=quiet)
        facts = facts_of_plan(planned, before, after)
    else:
        confirm_timeout = _confirm_timeout(confirm, state_dir)
        outcome = _blaming(lambda given: engine.apply(given, confirm_timeout), ruleset, paths)
        _tell(outcome, before, after, quiet=quiet)
        facts = facts_of_outcome(outcome, before, after)
        if words_left_out := engine.view.left_out(ruleset.backend):
            report_message(words_left_out)
        if names := unjudged(after.addresses):
            report_warning(f"{words(names)}; {REMEDY}")
    if choices.counters:
        facts = {**facts, "not_counted": _tell_uncounted(after, ruleset.texts)}
    if cut:
        facts = {**facts, "connections_ended": _cut(engine, ruleset, quiet=quiet)}
    if as_json:
        print_json(facts)
    if watching:
        watch(engine)


def _blaming(
    load: Callable[[RulesetSource[Any]], T], ruleset: RulesetSource[Any], paths: Sequence[str]
) -> T:
    """Return what loading gives; InputError where it is the file's fault that it is refused."""
    try:
        return load(ruleset)
    except NodeError as refusal:
        raise blame(refusal, ruleset, paths[0]) from None


def keep(state_dir: Path) -> None:
    """Stay, and keep in force what was loaded last, and load it if it was not since the boot."""
    engine = open_engine(state_dir)
    watch(engine, lambda: load_if_missing(engine))


def confirmed(state_dir: Path, *, as_json: bool) -> int:
    """Keep the ruleset that waits for this; 1 if none does."""
    engine = open_engine(state_dir)
    version = engine.confirm()
    if as_json:
        print_json(facts_of_confirmation(version))
    if version is None:
        report_message(_why_none_waits(engine.read().expired))
        return 1
    say(f"{version.id} stays", quiet=as_json)
    return 0


def _cut(engine: Engine, ruleset: RulesetSource[Any], *, quiet: bool) -> int:
    try:
        ended = engine.cut(ruleset)
    except NodeError as refusal:
        raise NodeError(f"the ruleset is in force, but connections live on: {refusal}") from None
    say(f"{ended:,} established connections ended", quiet=quiet)
    return ended


def _tell_uncounted(header: Header, texts: Mapping[str, str]) -> list[str]:
    """Say what the counters that were asked for do not count, and return which policies."""
    without = uncounted(header, counting_rules(texts))
    for line in words_of_uncounted(header.level, header.policies, without):
        report_message(line)
    return list(without)


def _tell(outcome: ApplyResult, before: Header | None, after: Header, *, quiet: bool) -> None:
    _warn(outcome)
    say(describe(outcome, before, after), quiet=quiet)
    if outcome.pending:
        left = outcome.pending.left(boot_clock.now())
        say(f"it goes away in {left} s without: cnpc apply --confirmed", quiet=quiet)


def _why_none_waits(expired: Version | None) -> str:
    if expired is None:
        return "no ruleset waits for a confirmation"
    return f"too late: {expired.id} was taken back at {expired.since}"


def _confirm_timeout(confirm: float | None, state_dir: Path) -> ConfirmTimeout | None:
    if confirm is None:
        return None
    return ConfirmTimeout(confirm, lambda pending: start_guardian(state_dir, pending))


def _warn(outcome: ApplyResult) -> None:
    if outcome.drift.value:
        report_warning(f"{words_of(outcome.drift.before, outcome.changed)}; it was put right")
    if outcome.released:
        report_warning(f"the confirmation of {outcome.released.id} is no longer waited for")
    if outcome.removed:
        places = " and ".join(outcome.removed)
        report_warning(f"rules of cnpc in {places} judged too; they were removed")
