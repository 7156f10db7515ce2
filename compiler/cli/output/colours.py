"""Colours on a terminal, one meaning each: wrong, doubtful, well, where, what to do."""

from __future__ import annotations

import os
from typing import TextIO

from ...errors import Paint, Part, plain

CODES = {Part.ERROR: 31, Part.WARNING: 33, Part.WELL: 32, Part.PLACE: 1, Part.HINT: 36}
"""What selects a colour, or bold (ECMA-48, 8.3.117): red, yellow, green, bold, cyan."""


def wanted(stream: TextIO) -> bool:
    """Tell whether a stream gets colours: a terminal, unless the environment says otherwise.

    NO_COLOR (no-color.org) counts before FORCE_COLOR, as in Python; of both, an empty value is as
    none.
    """
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR")
    if forced:
        return forced != "0"
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, part: Part) -> str:
    """Return the text in the colour of its meaning."""
    return f"\x1b[{CODES[part]}m{text}\x1b[0m" if text else ""


def paint_for(stream: TextIO) -> Paint:
    """Return what paints for a stream: nothing is painted where no colours are wanted."""
    return paint if wanted(stream) else plain
