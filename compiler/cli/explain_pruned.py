"""Which rules of policies the ruleset does without, and what stands for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...backends.text import describe_origins
from ..ir import Origin, Rule
from ..passes.prune import Pruned, Reason
from ..printer import print_rule


def explain(pruned: Iterable[Pruned]) -> Iterator[str]:
    """Yield a line for each rule that came from a policy, once."""
    lines = (
        f"{describe_origins(item.rule.origins)}: '{_test(item.rule)}' {_reason(item)}"
        for item in pruned
        if item.rule.origins
    )
    yield from dict.fromkeys(lines)


def _test(rule: Rule) -> str:
    return print_rule(Rule(rule.matches, rule.verdict))


def _reason(item: Pruned) -> str:
    origins: tuple[Origin, ...] = tuple(
        dict.fromkeys(origin for rule in item.by for origin in rule.origins)
    )
    by = describe_origins(origins) if origins else "the end of the tier"
    match item.reason:
        case Reason.EMPTY:
            return "matches nothing"
        case Reason.COVERED:
            return f"is covered by {by}"
        case Reason.SAME:
            return f"changes nothing: {by} does the same"
