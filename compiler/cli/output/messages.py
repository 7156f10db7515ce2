"""Messages to the user: answers, warnings, errors."""

from __future__ import annotations

import contextlib
import os
import sys

import click

from ...errors import Part, printable
from ..lazy import lazy_import

_WORDS = {
    "error:": Part.ERROR,
    "internal error:": Part.ERROR,
    "warning:": Part.WARNING,
}


def say(line: str, *, quiet: bool = False, color: bool | None = None) -> None:
    """Print a line of the answer, unless none is wanted.

    What was done stays done where it cannot be told: a full disk is said once on standard error,
    and a reader who has left has heard enough.
    """
    if quiet:
        return
    try:
        click.echo(line, color=color)
    except BrokenPipeError:
        abandon_standard_output()
    except (OSError, UnicodeError) as refusal:
        abandon_standard_output()
        report_warning(f"cannot write to standard output: {_reason(refusal)}")


def _reason(refusal: OSError | UnicodeError) -> str:
    return (isinstance(refusal, OSError) and refusal.strerror) or str(refusal)


def report_message(message: str) -> None:
    """Show what has no place in any file; a tool's message may go on in further lines."""
    first, *further = (printable(line) for line in message.split("\n"))
    for word, part in _WORDS.items():
        if first.startswith(word):
            paint = lazy_import("output.colours").paint_for(sys.stderr)
            first = paint(word, part) + first.removeprefix(word)
    report_text("".join((f"cnpc: {first}\n", *(f"    {line}\n" for line in further))))


def report_warning(message: str) -> None:
    """Show what went on all the same."""
    report_message(f"warning: {message}")


def report_text(text: str) -> None:
    """Write to standard error; if that is refused, the exit code still tells."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True, nl=False, color=True)  # whoever painted it has decided


def abandon_standard_output() -> None:
    """Keep Python from complaining again when it flushes standard output at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def count(number: int, one: str, many: str | None = None) -> str:
    """Return the number with the word for so many; of most words, more than one end in s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
