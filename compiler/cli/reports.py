"""Diagnostics on standard error, with the lines of the files that they are about."""

from __future__ import annotations

from collections.abc import Iterable

from ..diagnostics import render
from ..errors import Diagnostic
from .messages import report_text


def report(diagnostics: Iterable[Diagnostic]) -> None:
    """Show diagnostics in the order in which they are given."""
    report_text(render(diagnostics))
