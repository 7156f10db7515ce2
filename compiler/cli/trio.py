"""The three files of a ruleset for iptables: found from any of them, and read as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from ...backends.iptables_layout import IptablesLayout, read_iptables
from ...backends.iptables_names import BACKEND, SUFFIXES
from ...backends.packet_filter import Given
from ..errors import InputError, Span, error


def _is_part(path: str) -> bool:
    """Tell whether the name is that of one of the three."""
    return path.rpartition(".")[2] in SUFFIXES


def read_trio(paths: Sequence[str], read: Callable[[str], str]) -> Given[IptablesLayout]:
    """Return the ruleset of one, two or all three of its files.

    UsageError where they do not go together; InputError where one is missing or wrong.
    """
    given = {path.rpartition(".")[2]: path for path in paths}
    if not all(map(_is_part, paths)) or len(given) != len(paths):
        raise click.UsageError("give one ruleset, or manifests, and not both or several")
    names = {**_beside(given), **given}
    texts = {}
    for suffix in sorted(SUFFIXES, key=lambda suffix: suffix not in given):
        try:
            texts[suffix] = read(names[suffix])
        except InputError:
            if suffix in given:
                raise
            raise _missing(names[suffix], next(iter(given.values()))) from None
    return Given(BACKEND, texts, lambda: read_iptables(texts, names))


def _beside(given: dict[str, str]) -> dict[str, str]:
    """Return the names that the files have beside those given, where they have one stem."""
    stems = {path.rpartition(".")[0] for path in given.values()}
    if len(stems) == 1:
        return {suffix: f"{next(iter(stems))}.{suffix}" for suffix in SUFFIXES}
    if len(given) == len(SUFFIXES):
        return {}
    raise click.UsageError("these are files of different rulesets: give all three of one")


def _missing(path: str, given: str) -> InputError:
    message = f"a ruleset for iptables is three files, and this one is not beside {given}"
    hint = "cnpc compile --backend iptables -o DIR writes .ipset, .v4 and .v6"
    return InputError([error(message, Span(path, 0, 0), hint)])
