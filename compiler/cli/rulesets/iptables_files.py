"""The three files of a ruleset for iptables: found from any of them, and read as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ....backends.apply.dataplane import RulesetSource
from ....backends.iptables.names import BACKEND, SUFFIXES
from ....backends.iptables.ruleset import IptablesRuleset, read_iptables
from ...errors import InputError, Span, error
from .file_names import trio


def read_trio(paths: Sequence[str], read: Callable[[str], str]) -> RulesetSource[IptablesRuleset]:
    """Return the ruleset of one, two or all three of its files.

    UsageError where they do not go together; InputError where one is missing or wrong.
    """
    names = trio(paths)
    texts = {}
    for suffix in sorted(SUFFIXES, key=lambda suffix: names[suffix] not in paths):
        try:
            texts[suffix] = read(names[suffix])
        except InputError:
            if names[suffix] in paths:
                raise
            raise _missing(names[suffix], paths[0]) from None
    return RulesetSource(BACKEND, texts, lambda: read_iptables(texts, names))


def _missing(path: str, given: str) -> InputError:
    message = f"a ruleset for iptables is three files, and this one is not beside {given}"
    hint = "cnpc compile --backend iptables -o DIR writes .ipset, .v4 and .v6"
    return InputError([error(message, Span(path, 0, 0), hint)])
