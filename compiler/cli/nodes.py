"""Which nodes a command is about."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ..errors import InputError, error

_LISTED = 5  # names, where a message can only give examples


def choose(known: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the nodes wanted, in order, or all; InputError names all that do not exist."""
    problems = [
        error(f"no node '{name}'", None, _similar(name, known))
        for name in dict.fromkeys(wanted)
        if name not in known
    ]
    if not known and not wanted:
        problems.append(error("no nodes", None, "the input needs Node objects, or pods on nodes"))
    if problems:
        raise InputError(problems)
    return tuple(sorted(set(wanted))) if wanted else tuple(known)


def _similar(name: str, known: Sequence[str]) -> str:
    found = difflib.get_close_matches(name, known, n=1)
    if found:
        return f"did you mean '{found[0]}'?"
    more = ", ..." if len(known) > _LISTED else ""
    return f"the input has {', '.join(known[:_LISTED])}{more}"
