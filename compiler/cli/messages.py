"""What the commands say on standard error."""

from __future__ import annotations

from collections.abc import Iterable

import click

from ..diagnostics import render
from ..errors import Diagnostic


def report(diagnostics: Iterable[Diagnostic]) -> None:
    """Show diagnostics in the order in which they are given."""
    click.echo(render(diagnostics), err=True, nl=False)


def report_line(message: str) -> None:
    """Show one line that has no place in any file."""
    click.echo(f"cnpc: {message}", err=True)
