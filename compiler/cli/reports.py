"""Diagnostics on standard error, with the lines of the files that they are about."""

from __future__ import annotations

from collections.abc import Iterable

from ..conflicts import conflicts
from ..diagnostics import locate, render
from ..errors import Diagnostic
from ..idle import idle
from ..manifests import Inputs
from ..resolve import Resolver
from .messages import report_text


def report(diagnostics: Iterable[Diagnostic]) -> None:
    """Show diagnostics in the order in which they are given."""
    report_text(render(diagnostics))


def report_warnings(inputs: Inputs, resolver: Resolver) -> tuple[Diagnostic, ...]:
    """Show all warnings of the input, and return them with their places."""
    found = locate(
        (
            *inputs.warnings,
            *idle(inputs.snapshot, inputs.policies),
            *conflicts(resolver, inputs.policies),
        )
    )
    report(found)
    return found
