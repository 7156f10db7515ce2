"""What the commands say on standard error."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import click

from ..diagnostics import printable, render
from ..errors import Diagnostic


def report(diagnostics: Iterable[Diagnostic]) -> None:
    """Show diagnostics in the order in which they are given."""
    _say(render(diagnostics))


def report_line(message: str) -> None:
    """Show one line that has no place in any file."""
    _say(f"cnpc: {printable(message)}\n")


def _say(text: str) -> None:
    """Write to standard error; if that is refused, the exit code still tells."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True, nl=False)
