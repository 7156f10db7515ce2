"""Diagnostics on standard error, with the lines of the files that they are about."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from ..conflicts import conflicts
from ..diagnostics import locate, render
from ..errors import Diagnostic, InputError, Severity
from ..idle import idle
from ..manifests import Inputs
from ..resolve import Resolver
from .colours import paint_for
from .counts import count
from .limits import limited
from .messages import report_text


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
