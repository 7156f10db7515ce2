"""What ``-v`` says of the input that has no part in the rulesets."""

from __future__ import annotations

from collections.abc import Iterator

from ...manifests.load import Inputs
from .messages import count

_LISTED = 5  # pods, of those that share a reason


def words_of_unused(inputs: Inputs) -> Iterator[str]:
    """Yield a line for each kind that is not read, and each reason why pods are no endpoints."""
    for what, number in inputs.passed_over.items():
        yield f"{number} of {what} not used"
    for why, names in inputs.no_endpoints.items():
        more = len(names) - _LISTED
        listed = ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
        yield f"{count(len(names), 'pod')} {why}, not judged: {listed}"
