"""YAML text to plain values, event by event: no node graph, so memory follows the result.

Aliases share the value that they name; what they would unfold to is counted and limited, so that
a small file cannot cost much. Repeated keys are errors, as in Kubernetes' strict decoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import yaml

from ...errors import Source, Span
from ..problems import Problems, quote
from .lines import span_of
from .parts import DocumentPart
from .yaml_faults import TEMPLATE, explain, unreadable
from .yaml_scalars import TAGS, Scalar, resolve, resolve_tagged

_MAX_DEPTH = 100
_MAX_ALIASED = 1_000_000
_STRING_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_COLLECTION_TAGS = frozenset({"!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_MERGE = "<<"
_VERSION = (1, 1)
_JOINED = "files put together need a line '---' before each"
_SCALAR, _MAPPING_END = yaml.ScalarEvent, yaml.MappingEndEvent
_MERGED_LATE = "only keys after '<<' replace what it brings"
_HEADS = ("apiVersion", "kind", "metadata")

# PyYAML's stubs give events no fields, and two unrelated types of marks.
Event = Any
Mark = Any


class _Stop(Exception):  # noqa: N818 - ends the reading of one file, after a report
    pass


def event_reader(data: bytes | str) -> Callable[[], Event]:
    """Return what gives the events: libyaml's parser where PyYAML has it, ten times faster."""
    loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    reader: Callable[[], Event] = loader(data).get_event
    return reader


def read_events(data: bytes, source: Source, problems: Problems) -> Iterator[DocumentPart]:
    """Return the documents part by part; after an error of syntax the rest of the file is lost."""
    try:
        yield from _Reader(data, source, problems).documents()
    except _Stop:
        return
    except yaml.MarkedYAMLError as problem:
        fault = explain(problem, data.decode("utf-8-sig", "replace"))
        related = tuple(Span(source.name, line, column) for line, column in fault.related)
        problems.error(
            fault.message, Span(source.name, fault.line, fault.column), fault.hint, related
        )
    except yaml.reader.ReaderError as problem:
        where = span_of(data, problem.position, source.name)
        problems.error(f"not text: {problem.reason}", where, unreadable(data, problem.position))


def _mark_span(mark: Mark, source: Source) -> Span:
    return Span(source.name, mark.line + 1, mark.column + 1) if mark else Span(source.name, 0, 0)


class _Reader:
    """Builds values from the events of one file."""

    def __init__(self, data: bytes, source: Source, problems: Problems) -> None:
        self._next = event_reader(data)
        self._source = source
        self._problems = problems
        self._anchors: dict[str, tuple[object, int]] = {}
        self._size = 0
        self._aliased = 0

    def documents(self) -> Iterator[DocumentPart]:
        index = 0
        while type(event := self._next()) is not yaml.StreamEndEvent:
            if type(event) is yaml.DocumentStartEvent:
                self._check_version(event)
                self._anchors.clear()
                self._aliased = 0
                yield from self._document(index, self._next())
                index += 1

    def _check_version(self, event: Event) -> None:
        if event.version not in (None, _VERSION):
            words = ".".join(map(str, event.version))
            self._error(event, f"YAML {words} is not supported", "kubectl reads YAML 1.1")

    def _document(self, index: int, event: Event) -> Iterator[DocumentPart]:
        if type(event) is not yaml.MappingStartEvent or event.tag or event.anchor:
            yield DocumentPart(index, (), self._value(event, 0))
            return
        entries: dict[str, object] = {}
        items_came = False
        for key, value_event in self._keys(entries, top=True):
            if key == "items" and type(value_event) is yaml.SequenceStartEvent:
                for number, item in enumerate(self._items(2)):
                    yield DocumentPart(index, ("items", number), item)
                items_came = True
                entries[key] = None
            else:
                entries[key] = self._value(value_event, 1)
        yield DocumentPart(index, (), entries, items_came)

    def _value(self, event: Event, depth: int) -> object:
        kind = type(event)
        start = self._size
        self._size += 1
        if kind is _SCALAR and event.anchor is None:
            return self._scalar(event)
        if kind is yaml.AliasEvent:
            return self._alias(event)
        value = self._scalar(event) if kind is _SCALAR else self._collection(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._size - start)
        return value

    def _collection(self, event: Event, depth: int) -> object:
        if depth > _MAX_DEPTH:
            self._fail(event, f"nested more than {_MAX_DEPTH} levels deep")
        if event.tag is not None and event.tag not in _COLLECTION_TAGS:
            self._fail(event, f"the tag {quote(event.tag)} is not supported")
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)
        if type(event) is yaml.SequenceStartEvent:
            return list(self._items(depth + 1))
        return self._mapping(depth + 1)

    def _items(self, depth: int) -> Iterator[object]:
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            yield self._value(event, depth)

    def _mapping(self, depth: int) -> dict[str, object]:
        entries: dict[str, object] = {}
        for key, value_event in self._keys(entries):
            entries[key] = self._value(value_event, depth)
        return entries

    def _keys(
        self, entries: dict[str, object], *, top: bool = False
    ) -> Iterator[tuple[str, Event]]:
        """Return each key with the first event of its value; merge what ``<<`` names."""
        merged: dict[str, object] = {}
        following = self._next
        while type(event := following()) is not _MAPPING_END:
            if type(event) is not _SCALAR:
                self._error(event, "a key must be a string", TEMPLATE)
                raise _Stop
            key: str = event.value
            if event.implicit[0] and key == _MERGE:
                self._merge(event, entries, merged)
                continue
            if key in entries:
                self._repeated(event, key, top=top)
            yield self._key(event), following()
        for key, value in merged.items():
            entries.setdefault(key, value)

    def _repeated(self, event: Event, key: str, *, top: bool) -> None:
        """Report a key that comes twice, and stop where another object begins with it."""
        joined = top and key in _HEADS
        hint = _JOINED if joined else ""
        self._error(event, f"the key {quote(key)} is in the mapping twice", hint)
        if joined:
            raise _Stop

    def _key(self, event: Event) -> str:
        """Return the key, the same string for all that are equal, mostly."""
        key: str = event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = (key, 1)
        meaning = self._scalar(event)
        if type(meaning) is str:
            return meaning
        if str(meaning) != key or type(meaning) is not int:
            self._error(event, f"the key {quote(key)} is not a string", "write it in quotes")
        return key

    def _merge(self, event: Event, entries: dict[str, object], merged: dict[str, object]) -> None:
        """Add what ``<<`` names; report what is there already, where kubectl takes the last."""
        for key, value in self._merged(event).items():
            if merged.setdefault(key, value) != value or entries.get(key, value) != value:
                self._error(event, f"'<<' has another value for {quote(key)}", _MERGED_LATE)

    def _merged(self, event: Event) -> dict[str, object]:
        value = self._value(self._next(), 0)
        result: dict[str, object] = {}
        for mapping in reversed(value if isinstance(value, list) else [value]):
            if not isinstance(mapping, dict):
                self._fail(event, "'<<' needs a mapping or a list of mappings")
            result.update(mapping)
        return result

    def _scalar(self, event: Event) -> object:
        """Return what a scalar means, None after a report."""
        try:
            if event.implicit[0]:
                meaning = resolve(event.value)
                return meaning if type(meaning) is str else self._unless_text(event, meaning)
            if event.tag is None or event.implicit[1] or event.tag in _STRING_TAGS:
                return event.value
            if event.tag in TAGS:
                return resolve_tagged(event.value, event.tag)
        except ValueError as problem:
            self._error(event, str(problem))
            return None
        return self._fail(event, f"the tag {quote(event.tag)} is not supported")

    def _unless_text(self, event: Event, meaning: Scalar) -> object:
        """Return the meaning, or the text if the tag is ``!``, of which libyaml says nothing."""
        length = event.end_mark.index - event.start_mark.index
        tagged = length > len(event.value) and event.anchor is None
        return event.value if tagged else meaning

    def _alias(self, event: Event) -> object:
        if event.anchor not in self._anchors:
            self._fail(event, f"the alias '*{event.anchor}' names no anchor before it")
        value, size = self._anchors[event.anchor]
        self._size += size
        self._aliased += size
        if self._aliased > _MAX_ALIASED:
            self._fail(event, f"the aliases unfold to more than {_MAX_ALIASED} values")
        return value

    def _error(self, event: Event, message: str, hint: str = "") -> None:
        self._problems.error(message, _mark_span(event.start_mark, self._source), hint)

    def _fail(self, event: Event, message: str) -> NoReturn:
        self._error(event, message)
        raise _Stop
