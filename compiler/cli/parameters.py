"""What values of options may be, where click's own types take too many or too few."""

from __future__ import annotations

import math
import os
from pathlib import Path

import click

_DAY = 24 * 60 * 60


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


class Seconds(click.FloatRange):
    """Seconds, whole or not, from one to a day."""

    def __init__(self) -> None:
        """Take a time in which somebody may confirm."""
        super().__init__(min=1, max=_DAY)

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):  # neither below nor above any bound
            self.fail(f"{value} is no number of seconds", param, ctx)
        return seconds
