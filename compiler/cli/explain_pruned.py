"""Which rules of policies the ruleset does without, and what stands for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...backends.text import describe_origins
from ..ir import Origin, Rule
from ..passes.prune import Pruned, Reason
from ..printer import print_rule

_LISTED = 5  # nodes, of those that do without a rule


def explain(pruned: Iterable[tuple[str, Iterable[Pruned]]]) -> Iterator[str]:
    """Yield a line for each rule that came from a policy, once; of several nodes, on which.

    What was pruned is given by node.
    """
    found: dict[str, list[str]] = {}
    compiled = 0
    for node, items in pruned:
        compiled += 1
        for line in dict.fromkeys(_line(item) for item in items if item.rule.origins):
            found.setdefault(line, []).append(node)
    for line, nodes in found.items():
        yield line if compiled == 1 else f"{line}, on {_names(nodes, compiled)}"


def _line(item: Pruned) -> str:
    return f"{describe_origins(item.rule.origins)}: '{_test(item.rule)}' {_reason(item)}"


def _names(nodes: Sequence[str], compiled: int) -> str:
    if len(nodes) == compiled:
        return "all nodes"
    more = len(nodes) - _LISTED
    return ", ".join(nodes[:_LISTED]) + (f" and {more} more" if more > 0 else "")


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
