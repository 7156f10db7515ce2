"""Plain YAML scalars as kubectl reads them (sigs.k8s.io/yaml, goyaml.v2 resolve.go).

That is YAML 1.1 with its ``yes`` and ``010``, without numbers to the base 60, and with timestamps
left as text.
"""

from __future__ import annotations

import re
from functools import lru_cache

Scalar = str | int | float | bool | None

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_INTEGER = re.compile(
    r"[-+]?(?:0[bB](?P<binary>[01]+)|0[xX](?P<hex>[0-9a-fA-F]+)|0[oO]?(?P<octal>[0-7]+)|0|[1-9][0-9]*)\Z"
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_BASES = {"binary": 2, "hex": 16, "octal": 8}
_MAX_DIGITS = 400


@lru_cache(maxsize=4096)
def resolve(text: str) -> Scalar:
    """Return what an unquoted scalar means."""
    if text in _NULLS:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    first = text[0]
    if (first.isdecimal() or first in "+-.") and len(text) < _MAX_DIGITS:
        return _number(text)
    return text


def _number(text: str) -> Scalar:
    digits = text.replace("_", "")
    match = _INTEGER.match(digits)
    if match:
        sign = -1 if digits[0] == "-" else 1
        base = match.lastgroup
        return sign * int(match[base], _BASES[base]) if base else int(digits)
    if _FLOAT.match(digits):
        return float(digits)
    if _SPECIAL.match(digits):
        return float(digits.replace(".", ""))
    return text
