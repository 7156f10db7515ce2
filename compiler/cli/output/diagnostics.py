"""Shows the diagnostics of inputs and of compiled rulesets."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from ...errors import Diagnostic, InputError, Severity, warning
from ...lowering.equal_priority import conflicts
from ...lowering.unmatched import idle
from ...manifests.load import Inputs
from ...manifests.text.render_problems import locate, render
from ...model.resolver import Resolver
from ...passes.cost_model import MOST_SETS
from .colours import paint_for
from .max_errors import limited
from .messages import count, report_text


def report(diagnostics: Iterable[Diagnostic], most: int = InputError.most) -> None:
    """Show diagnostics in the order in which they are given, at most so many of a kind."""
    shown, more = limited(diagnostics, most)
    report_text(render(shown, paint_for(sys.stderr)) + more)


def report_failure(wrong: InputError) -> None:
    """Show what is wrong with the input, and what became of the command."""
    report(wrong.diagnostics, wrong.most)
    kinds = [item.severity for item in wrong.diagnostics]
    counts = [count(kinds.count(Severity.ERROR), "error")]
    if warnings := kinds.count(Severity.WARNING):
        counts.append(count(warnings, "warning"))
    report_text(f"{', '.join(counts)}, {wrong.outcome}\n")


def report_warnings(
    inputs: Inputs, resolver: Resolver, most: int = InputError.most
) -> tuple[Diagnostic, ...]:
    """Show the warnings of the input, and return all of them with their places."""
    found = locate(
        (
            *inputs.warnings,
            *idle(inputs.snapshot, inputs.policies),
            *conflicts(resolver, inputs.policies),
        )
    )
    report(found, most)
    return found


_HINT = "the time to load grows with the square of their number; fewer different peers need fewer"


def many_sets(sets: Mapping[str, int]) -> tuple[Diagnostic, ...]:
    """Return the warning, if any, from how many sets and maps each node's ruleset has."""
    above = {node: number for node, number in sets.items() if number > MOST_SETS}
    if not above:
        return ()
    node = max(above, key=lambda name: above[name])
    message = f"node {node} has {above[node]:,} sets and maps, above {MOST_SETS}"
    if others := len(above) - 1:
        message += f", and {count(others, 'more node has', 'more nodes have')} above {MOST_SETS}"
    return (warning(message, None, _HINT),)
