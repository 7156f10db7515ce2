"""What was meant by a word that is none of the known ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_SAME = {
    "build": "compile",
    "generate": "compile",
    "lint": "compile",
    "validate": "compile",
    "verify": "compile",
    "install": "apply",
    "load": "apply",
    "check": "doctor",
    "plan": "diff",
    "show": "status",
    "list": "status",
    "get": "status",
    "undo": "rollback",
    "revert": "rollback",
    "restore": "rollback",
    "delete": "flush",
    "remove": "flush",
    "uninstall": "flush",
    "clear": "flush",
    "help": "-h",
    "version": "--version",
}
"""Words of other programs for commands of this one."""


def similar(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like this one, if one is like it at all."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), None)


def command_for(word: str, known: Iterable[str]) -> str | None:
    """Return the command that was meant, if that is likely."""
    return similar(word, known) or _SAME.get(word.lower())
