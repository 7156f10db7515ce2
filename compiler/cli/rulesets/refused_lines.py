"""Where the file of a ruleset has what nft refuses: edited by hand, it is input like any other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ....backends.apply.dataplane import RulesetSource
from ....backends.nftables.names import SUFFIX
from ...errors import CnpcError, Diagnostic, InputError, NodeError, Span, error
from .digest_line import edited

_QUOTED = re.compile(r"^Error: (?P<words>.*)\n(?P<line>.*)\n(?P<margin>\s*)\^", re.MULTILINE)
"""What nft says of a line: the fault, the line, and a caret below its first character."""

_HINT = "compile the ruleset again"


def blame(refusal: NodeError, ruleset: RulesetSource[Any], path: str) -> CnpcError:
    """Return the refusal as errors in the file, if it was edited and has the lines refused."""
    text = ruleset.texts.get(SUFFIX)
    if text is None or not edited(ruleset.texts):
        return refusal
    found = list(_diagnostics(str(refusal), text, path))
    return InputError(found) if found else refusal


def _diagnostics(words: str, text: str, path: str) -> Iterator[Diagnostic]:
    numbers = {line.strip(): number for number, line in reversed(list(enumerate(_lines(text), 1)))}
    seen = set()
    for quoted in _QUOTED.finditer(words):
        number = numbers.get(quoted["line"].strip())
        if number and number not in seen:
            seen.add(number)
            caret = len(quoted["margin"])
            found = error(f"nft: {quoted['words']}", Span(path, number, caret + 1), _HINT)
            yield replace(found, text=quoted["line"], caret=caret)


def _lines(text: str) -> list[str]:
    return text.split("\n")
