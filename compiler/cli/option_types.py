"""What values of options may be, where click's own types take too many or too few."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from ...backends.iptables.names import SUFFIXES as OF_IPTABLES
from ...backends.nftables.names import SUFFIX as OF_NFT
from ..errors import InputError

_DAY = 24 * 60 * 60
_SUFFIXES = tuple(f".{suffix}" for suffix in (OF_NFT, *OF_IPTABLES))
_UNITS = {"": 1, "s": 1, "m": 60, "h": 60 * 60}
_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)([smh]?)")


class Directory(click.Path):
    """A folder, which need not be there; whoever uses it says what the system refuses."""

    def __init__(self) -> None:
        """Take no file, and no name that is empty."""
        super().__init__(file_okay=False, readable=False, path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Return the path."""
        # Path("") would be the current folder, and an empty name is that of a variable not set.
        if not os.fspath(value):
            self.fail("the name is empty", param, ctx)
        return super().convert(value, param, ctx)


class OutputFolder(Directory):
    """A folder, or ``-`` for standard output; a folder of that name is ``./-``."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - click's type has no None
        """Return the path, None for standard output."""
        text = os.fspath(value)
        if text.endswith(_SUFFIXES) and not Path(text).is_dir():
            self.fail(f"{text} is the name of a file, and -o takes a folder: > {text}", param, ctx)
        return None if text == "-" else super().convert(value, param, ctx)


class Duration(click.FloatRange):
    """A time in which somebody may confirm, as seconds."""

    def __init__(self) -> None:
        """Take a second to a day."""
        super().__init__(min=1, max=_DAY)

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds."""
        found = _DURATION.fullmatch(str(value))
        seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
        if not 1 <= seconds <= _DAY:
            self.fail(f"'{value}' is no time from 1s to 24h, such as 60, 90s or 2m", param, ctx)
        return seconds


def max_errors_option(outcome: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``--max-errors``; a failure keeps it, and what becomes of the command."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(*args: object, max_errors: int, **kwargs: object) -> object:
            try:
                return command(*args, max_errors=max_errors, **kwargs)
            except InputError as wrong:
                wrong.most, wrong.outcome = max_errors, outcome
                raise

        option = click.option(
            "--max-errors",
            metavar="N",
            type=click.IntRange(min=0),
            default=InputError.most,
            show_default=True,
            help="Show so many errors and warnings of a kind; 0 shows all.",
        )
        return option(run)

    return decorate
