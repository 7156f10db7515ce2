"""The line that every file of a ruleset begins with: whose it is, and who compiled it."""

from __future__ import annotations

from ... import __version__

_BEFORE, _AFTER = "Network policy of node ", ", compiled by cnpc "


def first_line(node: str) -> str:
    """Return the line, without the sign of a comment."""
    return f"{_BEFORE}{node}{_AFTER}{__version__}."


def node_of(text: str) -> str | None:
    """Return the node that a ruleset's text says it is of; None where it says none."""
    line = text.partition("\n")[0].removeprefix("# ")
    name, after, _ = line.removeprefix(_BEFORE).rpartition(_AFTER)
    return name if after and line.startswith(_BEFORE) else None
