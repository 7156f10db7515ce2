"""Plain YAML scalars as kubectl reads them (sigs.k8s.io/yaml 1.6, go.yaml.in/yaml/v2 resolve.go).

That is YAML 1.1 with its ``yes`` and ``010``, without numbers to the base 60, and with timestamps
left as text. kubectl turns YAML into JSON, in which ``1e3`` and ``1000`` are one number.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from types import NoneType

Scalar = str | int | float | bool | None

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_HINTS = frozenset(("", *"+-.0123456789~nNyYtTfFoO"))
"""The first characters of all scalars that may be other than text."""

_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_INTEGER = re.compile(
    r"[-+]?(?:0[bB]0*(?P<binary>[01]+)|0[xX]0*(?P<hex>[0-9a-fA-F]+)"
    r"|0[oO]?0*(?P<octal>[0-7]+)|(?P<decimal>0|[1-9][0-9]*))\Z"
)
_MISPLACED = re.compile(r"(?<![0-9])_|_(?![0-9])")  # strconv.ParseFloat; elsewhere all "_" go
_BASES = {"binary": 2, "hex": 16, "octal": 8, "decimal": 10}
_MOST_DIGITS = 64  # of an integer that fits into 64 bits
_TAGGED: dict[str, tuple[type, ...]] = {
    "tag:yaml.org,2002:null": (NoneType,),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (float, int),
}
MAX_EXACT = 2**53
"""Up to here a float that is whole is written as an integer, digit by digit."""

TAGS = frozenset(_TAGGED)
"""The tags by which ``resolve_tagged`` reads a scalar, quoted or not."""


@lru_cache(maxsize=4096)
def resolve(text: str) -> Scalar:
    """Return what an unquoted scalar means; ValueError if JSON has no such value."""
    return _as_json(_resolve(text))


def resolve_tagged(text: str, tag: str) -> Scalar:
    """Return what a scalar means that has one of ``TAGS``; ValueError if it is of another type."""
    value = _resolve(text)
    if type(value) not in _TAGGED[tag]:
        raise ValueError(f"the tag '!!{tag.rpartition(':')[2]}' does not fit this value")
    return _as_json(value)


def _as_json(value: Scalar) -> Scalar:
    if type(value) is not float:
        return value
    if not isfinite(value):
        raise ValueError("not a number in JSON")
    return int(value) if value.is_integer() and abs(value) <= MAX_EXACT else value


def _resolve(text: str) -> Scalar:
    first = text[:1]
    if first not in _HINTS:
        return text
    if first.isdecimal():
        return _number(text.replace("_", ""), text)
    if text in _NULLS:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INFINITE.match(text):
        return float(text.replace(".", ""))
    if first in "+-":
        return _number(text.replace("_", ""), text)
    if first == "." and _MISPLACED.search(text) is None:
        return _float(text.replace("_", ""), text)
    return text


def _number(digits: str, text: str) -> Scalar:
    match = _INTEGER.match(digits)
    if match is None:
        return _float(digits, text)
    base = match.lastgroup or "decimal"
    number = int(match[base], _BASES[base]) if len(match[base]) <= _MOST_DIGITS else 1 << 64
    sign = digits[0] if digits[0] in "+-" else ""
    lowest, highest = (0, 2**64 - 1) if not sign else (-(2**63), 2**63 - 1)
    number = -number if sign == "-" else number
    return number if lowest <= number <= highest else _float(digits, text)


def _float(digits: str, text: str) -> Scalar:
    """Return a number, or the text if it is none, or one that overflows."""
    if not _FLOAT.match(digits):
        return text
    number = float(digits)
    return number if isfinite(number) else text
