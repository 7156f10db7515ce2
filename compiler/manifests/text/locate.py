"""Places to lines and columns: a second look at a file, taken only to show diagnostics.

All places of a file are found in one pass that ends with the last of them. Where a path leads
nowhere (a field that is missing, or that an alias brought in) the nearest value around it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import yaml
from msgspec import Struct, field

from ...errors import Place, Source, Span
from .files import SourceError, read_again
from .json_text import is_json, raw_value, skip_space
from .lines import Excerpt, with_line_feeds, without_marks
from .yaml_text import Event, event_reader

_BEFORE, _AFTER = 60, 60


class _Wanted(Struct):
    """A value on the way to what is looked for: who wants it, and what is wanted inside it."""

    values: list[Place] = field(default_factory=list)
    keys: list[Place] = field(default_factory=list)
    inside: dict[str | int, _Wanted] = field(default_factory=dict)

    def add(self, place: Place) -> None:
        node = self
        for step in place.path:
            node = node.inside.setdefault(step, _Wanted())
        (node.keys if place.at_key else node.values).append(place)


def find(
    places: Iterable[Span | Place], sources: Iterable[Source] = ()
) -> dict[Span | Place, Excerpt]:
    """Return the excerpt of each place; those of files that cannot be read again are left out.

    ``sources`` are those whose data was kept, for spans, which know only a name.
    """
    kept = {source.name: source for source in sources}
    by_file: dict[str, list[Span | Place]] = {}
    for place in places:
        if isinstance(place, Place):
            kept[place.source.name] = place.source
            by_file.setdefault(place.source.name, []).append(place)
        elif place.line:
            by_file.setdefault(place.file, []).append(place)
    found: dict[Span | Place, Excerpt] = {}
    for name, group in by_file.items():
        found.update(_find_in(kept.get(name, Source(name)), group))
    return found


def _find_in(source: Source, places: list[Span | Place]) -> dict[Span | Place, Excerpt]:
    try:
        data = read_again(source)
    except SourceError:
        return {}
    documents: dict[int, _Wanted] = {}
    for place in places:
        if isinstance(place, Place):
            documents.setdefault(place.document, _Wanted()).add(place)
    as_json = is_json(source.name, data)
    text = (data if as_json else without_marks(data)).decode("utf-8-sig", "replace")
    text = text if as_json else with_line_feeds(text)
    finder = (_JsonFinder if as_json else _YamlFinder)(documents)
    if documents:
        finder.run(text)
    lines = _Lines(source.name, text)
    excerpts = lines.excerpts(finder.found.values())
    found: dict[Span | Place, Excerpt] = {
        place: excerpts[offset] for place, offset in finder.found.items()
    }
    spans = sorted(place for place in places if isinstance(place, Span))
    return found | lines.excerpts_of(spans)


class _Lines:
    """The lines of a text, counted only as far as they are asked for."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    def excerpts(self, offsets: Iterable[int]) -> dict[int, Excerpt]:
        """Return the excerpt at each offset."""
        found = {}
        line, last = 1, 0
        for offset in sorted(set(offsets)):
            line += self._text.count("\n", last, offset)
            last = offset
            start = self._text.rfind("\n", 0, offset) + 1
            span = Span(self._name, line, offset - start + 1)
            found[offset] = self._cut(span, start, offset)
        return found

    def excerpts_of(self, spans: Iterable[Span]) -> dict[Span | Place, Excerpt]:
        """Return the excerpts of spans that come in order."""
        found: dict[Span | Place, Excerpt] = {}
        line, start = 1, 0
        for span in spans:
            while line < span.line and (end := self._text.find("\n", start)) >= 0:
                line, start = line + 1, end + 1
            found[span] = self._cut(span, start, min(start + span.column - 1, len(self._text)))
        return found

    def _cut(self, span: Span, start: int, offset: int) -> Excerpt:
        first = max(start, offset - _BEFORE)
        last = self._text.find("\n", offset, offset + _AFTER)
        whole = last >= 0 or offset + _AFTER >= len(self._text)
        text = self._text[first : last if last >= 0 else offset + _AFTER].rstrip("\r")
        if not text.strip():
            return Excerpt(span, "", 0)
        lead = "…" if first > start else ""
        return Excerpt(span, lead + text + ("" if whole else "…"), offset - first + len(lead))


class _Done(Exception):  # noqa: N818 - ends the pass when all is found
    pass


class _Finder:
    """What both formats share: the offsets found, and how many are still missing."""

    def __init__(self, documents: dict[int, _Wanted]) -> None:
        self.documents = documents
        self.found: dict[Span | Place, int] = {}
        self._missing = sum(map(_count, documents.values()))

    def run(self, text: str) -> None:
        with suppress(_Done):
            self.search(text)

    def search(self, text: str) -> None:
        raise NotImplementedError

    def value_at(self, wanted: _Wanted, offset: int) -> None:
        """Note a value: the place of all that is wanted inside it, until a nearer one comes."""
        self._around(wanted, offset)
        self._arrived(len(wanted.values))

    def key_at(self, wanted: _Wanted, offset: int) -> None:
        self.found.update(dict.fromkeys(wanted.keys, offset))
        self._arrived(len(wanted.keys))

    def _around(self, wanted: _Wanted, offset: int) -> None:
        self.found.update(dict.fromkeys(wanted.values, offset))
        for inner in wanted.inside.values():
            self.found.update(dict.fromkeys(inner.keys, offset))
            self._around(inner, offset)

    def _arrived(self, count: int) -> None:
        self._missing -= count
        if count and self._missing == 0:
            raise _Done


def _count(wanted: _Wanted) -> int:
    return len(wanted.values) + len(wanted.keys) + sum(map(_count, wanted.inside.values()))


class _YamlFinder(_Finder):
    """Follows the events of YAML down to what is wanted."""

    def search(self, text: str) -> None:
        self._next = event_reader(text)
        index = 0
        with suppress(yaml.YAMLError):
            while type(event := self._next()) is not yaml.StreamEndEvent:
                if type(event) is yaml.DocumentStartEvent:
                    self._value(self._next(), self.documents.get(index))
                    index += 1

    def _value(self, event: Event, wanted: _Wanted | None) -> None:
        if wanted is not None:
            self.value_at(wanted, event.start_mark.index)
        if wanted is None or not wanted.inside:
            self._skip(event)
        elif type(event) is yaml.SequenceStartEvent:
            index = 0
            while type(event := self._next()) is not yaml.SequenceEndEvent:
                self._value(event, wanted.inside.get(index))
                index += 1
        elif type(event) is yaml.MappingStartEvent:
            self._mapping(wanted)

    def _mapping(self, wanted: _Wanted) -> None:
        while type(event := self._next()) is not yaml.MappingEndEvent:
            inner = None
            if type(event) is yaml.ScalarEvent:
                inner = wanted.inside.get(event.value)
            if inner is not None:
                self.key_at(inner, event.start_mark.index)
            else:
                self._skip(event)
            self._value(self._next(), inner)

    def _skip(self, event: Event) -> None:
        depth = 0
        while True:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth == 0:
                return
            event = self._next()


class _JsonFinder(_Finder):
    """Follows JSON down to what is wanted; the standard library's scanner skips the rest."""

    def search(self, text: str) -> None:
        self._text = text
        position, index = skip_space(text, 0), 0
        with suppress(ValueError, IndexError, RecursionError):
            while position < len(text):
                position = skip_space(text, self._value(position, self.documents.get(index)))
                index += 1

    def _value(self, position: int, wanted: _Wanted | None) -> int:
        """Return where the value ends."""
        if wanted is not None:
            self.value_at(wanted, position)
        if wanted is None or not wanted.inside or self._text[position] not in "{[":
            return raw_value(self._text, position)[1]
        return self._collection(position, wanted, is_mapping=self._text[position] == "{")

    def _collection(self, position: int, wanted: _Wanted, *, is_mapping: bool) -> int:
        position, index = skip_space(self._text, position + 1), 0
        while self._text[position] not in "}]":
            inner = wanted.inside.get(index)
            if is_mapping:
                key, end = raw_value(self._text, position)
                inner = wanted.inside.get(str(key))
                if inner is not None:
                    self.key_at(inner, position)
                position = skip_space(self._text, skip_space(self._text, end) + 1)
            position = skip_space(self._text, self._value(position, inner))
            if self._text[position] == ",":
                position = skip_space(self._text, position + 1)
            index += 1
        return position + 1
