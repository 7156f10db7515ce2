"""The warning about rulesets that take long to load."""

from __future__ import annotations

from collections.abc import Mapping

from ..costs import MOST_SETS
from ..errors import Diagnostic, warning
from .counts import count

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
