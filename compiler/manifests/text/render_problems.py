"""Diagnostics as text: ``file:line:col: error: message``, the line, a caret, a hint."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import import_module

from ...errors import Diagnostic, Paint, Part, Place, Severity, Source, Span, plain, printable, sort
from .lines import Excerpt


def locate(
    diagnostics: Iterable[Diagnostic], sources: Iterable[Source] = ()
) -> tuple[Diagnostic, ...]:
    """Return the diagnostics with line, column and text, sorted by place.

    Reads again each file that is pointed into, once; ``sources`` are those that cannot be.
    """
    items = tuple(diagnostics)
    wanted = {place for item in items for place in (item.span, *item.related) if place is not None}
    excerpts = _find(wanted, sources) if wanted else {}
    return sort(_located(item, excerpts) for item in items)


def _find(places: set[Span | Place], sources: Iterable[Source]) -> dict[Span | Place, Excerpt]:
    """Return the excerpts; what finds them is imported only here, as it needs PyYAML."""
    finder = import_module(".locate", __package__)
    found: dict[Span | Place, Excerpt] = finder.find(places, sources)
    return found


def _located(item: Diagnostic, excerpts: dict[Span | Place, Excerpt]) -> Diagnostic:
    found = None if item.span is None else excerpts.get(item.span)
    related = tuple(excerpts[place].span if place in excerpts else place for place in item.related)
    if found is None:
        return replace(item, related=related)
    return replace(item, span=found.span, text=found.text, caret=found.caret, related=related)


def render(diagnostics: Iterable[Diagnostic], paint: Paint = plain) -> str:
    """Return the diagnostics as text in the order of their places, locating what is not yet."""
    items = tuple(diagnostics)
    if any(isinstance(place, Place) for item in items for place in (item.span, *item.related)):
        items = locate(items)
    return "".join(f"{line}\n" for item in items for line in _lines(item, paint))


def _lines(item: Diagnostic, paint: Paint) -> Iterator[str]:
    place = item.span.source.name if isinstance(item.span, Place) else item.span
    where = "" if place is None else paint(f"{printable(str(place))}:", Part.PLACE) + " "
    part = Part.ERROR if item.severity is Severity.ERROR else Part.WARNING
    yield f"{where}{paint(f'{item.severity.value}:', part)} {printable(item.message)}"
    if item.text:
        yield f"    {printable(item.text)}"
        yield f"    {_padding(item.text[: item.caret])}{paint('^', part)}"
    for other in item.related:
        name = other.source.name if isinstance(other, Place) else str(other)
        yield f"    also: {printable(name)}"
    if item.hint:
        yield f"    {paint('hint:', Part.HINT)} {printable(item.hint)}"


def _padding(text: str) -> str:
    """Return blanks that are as wide as the text on a terminal; tabs stay tabs."""
    return "".join("\t" if character == "\t" else " " * _width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
