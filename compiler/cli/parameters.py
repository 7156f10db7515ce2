"""What values of options may be, where click's own types take too many or too few."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

_DAY = 24 * 60 * 60
_UNITS = {"": 1, "s": 1, "m": 60, "h": 60 * 60}
_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)([smh]?)")


class Folder(click.Path):
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
