"""At most so many diagnostics of a kind are shown; how many more there are is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from ...errors import Diagnostic, Severity, printable

_PATH = re.compile(r"\S+: ")
_NAMES = re.compile(r"'[^']*'|\S*[/\d]\S*")
Kind = tuple[Severity, str]


def limited(diagnostics: Iterable[Diagnostic], most: int) -> tuple[list[Diagnostic], str]:
    """Return what is shown, and a line for each kind of which there is more; 0 shows all."""
    shown: list[Diagnostic] = []
    seen: Counter[Kind] = Counter()
    more: Counter[Kind] = Counter()
    for item in diagnostics:
        kind = _kind(item)
        seen[kind] += 1
        if most and seen[kind] > most:
            more[kind] += 1
        else:
            shown.append(item)
    return shown, "".join(_line(kind, number) for kind, number in more.items())


def _kind(item: Diagnostic) -> Kind:
    """Return the message without what is of this one place: its path, names and numbers."""
    return item.severity, _NAMES.sub("…", _PATH.sub("", item.message, count=1))


def _line(kind: Kind, number: int) -> str:
    severity, message = kind
    text = f"and {number:,} more: {severity.value}: {message}"
    return f"{printable(text)} (--max-errors 0 shows all)\n"
