"""Lines of a text as YAML counts them: more than a line feed ends one (YAML 1.1, section 4.2.2)."""

from __future__ import annotations

import re

from msgspec import Struct

from ...errors import Span

MARK = b"\xef\xbb\xbf"
"""The byte order mark in UTF-8."""

_MARKED = re.compile(rb"^(---[^\r\n]*\r?\n)\xef\xbb\xbf", re.MULTILINE)
_BREAKS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")


class Excerpt(Struct, frozen=True):
    """A span with its line, cut around it if long; ``caret`` is the span's index in the text."""

    span: Span
    text: str
    caret: int


def with_line_feeds(text: str) -> str:
    """Return the text, as long as before, with a line feed wherever a line ends."""
    return _BREAKS.sub("\n", text)


def without_marks(data: bytes) -> bytes:
    """Return YAML without the byte order marks with which documents after the first begin.

    A document may begin so (YAML 1.2, section 5.2), and in files put together many do; libyaml
    takes one at the beginning of the file alone.
    """
    return _MARKED.sub(rb"\1", data) if MARK in data else data


def span_of(data: bytes, position: int, name: str) -> Span:
    """Return the line and column of a byte of a file of that name."""
    before = with_line_feeds(data[:position].decode("utf-8-sig", "replace"))
    return Span(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
