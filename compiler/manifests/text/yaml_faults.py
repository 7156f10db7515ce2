"""What libyaml says of text that is not YAML, in words of what a person would change, and where."""

from __future__ import annotations

import re
from typing import Any

import yaml
from msgspec import Struct
from msgspec.structs import replace

TEMPLATE = "a template has to be rendered first: helm template, kustomize build, envsubst"
_TABS = "YAML is indented with blanks, not tabs"
_QUOTES = "a value that begins with '{}' is written in quotes"
_INDENT = "what belongs together begins in the same column"
_COLON = "a value with ': ' in it is written in quotes, and '- ' begins an item"
_KEY = "a key is followed by ':' and a blank; text over several lines by '|' or quotes"
_CONFLICT = "a merge left both sides: choose one of them"
_TEMPLATES = re.compile(r"\{\{|\{%|<%|\$\{")
_MARKERS = re.compile(r"(?:<{7}|={7}|>{7})(?: |\Z)")
_DOCUMENT = re.compile(r"(?:---|\.\.\.)(?:\s|\Z)")
_EXPECTED = ("expected <block end>", "expected key", "expected <document start>")
_SPACE_OR_OPEN = " \t\n\r,[{:"

# PyYAML's stubs know two unrelated types of marks.
Mark = Any


class Fault(Struct, frozen=True):
    """What is wrong, at which line and column, both from 1, and what to do about it."""

    message: str
    line: int
    column: int
    hint: str = ""
    related: tuple[tuple[int, int], ...] = ()


def explain(error: yaml.MarkedYAMLError, text: str) -> Fault:
    """Return the fault behind an error of libyaml."""
    context, problem = error.context or "", error.problem or ""
    opening: Mark = error.context_mark
    mark: Mark = error.problem_mark or opening
    if mark is None:
        return Fault(f"not YAML: {context or problem}", 0, 0)
    lines = text.splitlines()
    if found := _foreign(lines, mark.line):
        return found
    words = ", ".join(filter(None, (context, problem)))
    plain = _fault(f"not YAML: {words}", mark, _hint(problem, mark, lines))
    if opening is not None and ("flow mapping" in context or "flow sequence" in context):
        return _flow(text, opening, plain)
    if opening is not None and "simple key" in context and "':'" in problem:
        return _without_colon(lines, opening)
    if opening is not None and "quoted scalar" in context and "end of stream" in problem:
        return _unclosed(text, opening)
    return plain


def _without_colon(lines: list[str], start: Mark) -> Fault:
    """Return that a line is no key; libyaml notices at the next one."""
    line = lines[start.line] if start.line < len(lines) else ""
    hint = "documents are separated by '---'" if line.strip() == "--" else _KEY
    return _fault("not YAML: there is no ':' after this key", start, hint)


def unreadable(data: bytes, position: int) -> str:
    """Return the hint for bytes that are no text in YAML."""
    if data[position : position + 1] == b"\x1b":
        return "these are a terminal's colours: print without them"
    return "" if data[position : position + 1] < b"\x80" else "save the file as UTF-8"


def _fault(message: str, mark: Mark, hint: str = "") -> Fault:
    return Fault(message, mark.line + 1, mark.column + 1, hint)


def _foreign(lines: list[str], last: int) -> Fault | None:
    """Return what belongs to a template or to a merge in the line of an error, or the one before.

    libyaml takes many a line for a key, and wonders only at the next that no colon follows.
    """
    near = [number for number, line in enumerate(lines[: last + 1]) if line.strip()][-2:]
    for number in near:
        line = lines[number]
        stripped = line.lstrip()
        if _MARKERS.match(line):
            return Fault("not YAML: a merge conflict", number + 1, 1, _CONFLICT)
        match = None if stripped.startswith("#") else _TEMPLATES.search(line)
        if match and (number == last or stripped.startswith(("{{", "{%", "<%"))):
            return Fault("not YAML: a template", number + 1, match.start() + 1, TEMPLATE)
    return None


def _hint(problem: str, mark: Mark, lines: list[str]) -> str:
    line = lines[mark.line] if mark.line < len(lines) else ""
    character = line[mark.column : mark.column + 1]
    if "tab character" in problem or character == "\t" or line.startswith("\t"):
        return _TABS
    if character == ";":
        return "entries are separated by ',', not by ';'"
    if "cannot start any token" in problem:
        return _QUOTES.replace("{}", character)
    if "alphabetic or numeric" in problem:
        return _QUOTES.replace("{}", line[: mark.column].rstrip()[-1:] or "*")
    if "mapping values are not allowed" in problem:
        return _COLON
    if character in ("}", "]") and "expected key" in problem:
        return f"there is one '{character}' too many"
    return _INDENT if any(word in problem for word in _EXPECTED) else ""


def _flow(text: str, opening: Mark, plain: Fault) -> Fault:
    """Return that a bracket is not closed, at the bracket, or where a comma is missing."""
    closing = "}" if text[opening.index : opening.index + 1] == "{" else "]"
    if _is_closed(text, opening.index):
        found = text.splitlines()[plain.line - 1][plain.column - 1 : plain.column]
        if found in ("}", "]") and found != closing:
            return replace(plain, hint=f"this is closed by '{closing}', not by '{found}'")
        hint = f"a ',' or '{closing}' is missing before this, or quotes around the value"
        return plain if plain.hint else replace(plain, hint=hint)
    return replace(_unclosed(text, opening), related=((plain.line, plain.column),))


def _unclosed(text: str, opening: Mark) -> Fault:
    character = text[opening.index : opening.index + 1]
    return _fault(f"not YAML: the {character} that opens here is not closed", opening)


def _is_closed(text: str, position: int) -> bool:
    """Tell whether the bracket at the position has its partner in the same document."""
    depth, quote, before = 0, "", " "
    while position < len(text):
        character = text[position]
        if before == "\n" and _DOCUMENT.match(text, position):
            return False
        if quote:
            quote = "" if character == quote and before != "\\" else quote
        elif character in "\"'" and before in _SPACE_OR_OPEN:
            quote = character
        elif character == "#" and before in " \t\n":
            position = text.find("\n", position)
            if position < 0:
                return False
            continue
        else:
            depth += (character in "{[") - (character in "}]")
            if depth == 0:
                return True
        before = character
        position += 1
    return False
