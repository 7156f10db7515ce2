"""A file of YAML to its documents, those that kubectl printed without libyaml.

Each document, and each item of a list, that is laid out as kubectl does is read by itself. Where
one is not, libyaml reads that one. Where that shows anything wrong, libyaml reads the whole file,
so that every message says the same whoever began to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from itertools import islice

from msgspec import Raw
from msgspec.json import decode

from ...errors import Source
from ..problems import OnUnknown, Problems
from .kubectl_yaml import KubectlYaml, UnknownLayout
from .lines import MARK, span_of, without_marks
from .parts import DocumentPart

_ITEMS = re.compile(rb"\nitems:\n( *)- ")
_ITEMS_KEY = re.compile(rb"""^["']?items""", re.MULTILINE)
_AFTER_ITEMS = re.compile(rb"\n(?=[^ #\n-])")
_NO_CONTENT = re.compile(rb"(?:(?: *#[ -~]*)?\n)*(?: *#[ -~]*)?")
_OBJECT = b'{"apiVersion":"'
_NO_MORE_ITEMS = DocumentPart(0, (), {"items": None}, items_came=True)
_JOINED = "files put together need a line '---' before each"


def read_yaml(data: bytes, source: Source, problems: Problems) -> Iterator[DocumentPart]:
    """Return the documents part by part; after an error of syntax the rest of the file is lost."""
    data = without_marks(data)
    if (stray := data.find(b"\n" + MARK)) >= 0:
        where = span_of(data, stray + 1, source.name)
        problems.error("a byte order mark within a document", where, _JOINED)
        return
    done = 0
    try:
        for part in _Reader(source).read(data):
            yield part
            done += 1
    except UnknownLayout:
        parts: Iterator[DocumentPart] = _libyaml(data, source, problems)
        yield from islice(parts, done, None)


def _libyaml(data: bytes, source: Source, problems: Problems) -> Iterator[DocumentPart]:
    """Return all parts; PyYAML is imported only here, as most files do without it."""
    reader = import_module(".yaml_text", __package__)
    parts: Iterator[DocumentPart] = reader.read_events(data, source, problems)
    return parts


class _Reader:
    """Reads the documents of a file one by one; UnknownLayout where the file must be read whole."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kubectl = KubectlYaml()

    def read(self, data: bytes) -> Iterator[DocumentPart]:
        data = data.removeprefix(MARK).replace(b"\r\n", b"\n")
        texts = data.split(b"\n---")
        marked = texts[1:]
        if texts[0].startswith(b"---"):
            texts[0] = texts[0].removeprefix(b"---")
            marked = texts
        elif _NO_CONTENT.fullmatch(texts[0]):
            texts = marked
        is_cut_right = all(text.startswith(b"\n") for text in marked) and b"\n..." not in data
        if not (is_cut_right and data.endswith(b"\n")):
            raise UnknownLayout
        for number, text in enumerate(texts):
            yield from self._document(number, text)

    def _document(self, number: int, text: bytes) -> Iterator[DocumentPart]:
        match = _ITEMS.search(text)
        if match is None:
            if _ITEMS_KEY.search(text):
                raise UnknownLayout
            yield DocumentPart(number, (), self._root(text + b"\n"))
            return
        margin, start = match[1], match.end()
        between = b"\n%b- " % margin
        tail = _AFTER_ITEMS.search(text, max(start, text.rfind(between)))
        end = len(text) if tail is None else tail.start()
        root = decode(self._kubectl.read(b"%b\nitems:%b\n" % (text[: match.start()], text[end:])))
        for index, item in enumerate(_split(text, between, start, end)):
            yield DocumentPart(number, ("items", index), self._item(item, margin))
        yield DocumentPart(number, (), root, items_came=True)

    def _item(self, text: bytes, margin: bytes) -> object:
        try:
            return _value(self._kubectl.read(b"%b  %b\n" % (margin, text)))
        except UnknownLayout:
            return self._ask_libyaml(b"items:\n%b- %b\n" % (margin, text), [_NO_MORE_ITEMS])

    def _root(self, text: bytes) -> object:
        try:
            return _value(self._kubectl.read(text))
        except UnknownLayout:
            return self._ask_libyaml(text, [])

    def _ask_libyaml(self, text: bytes, others: list[DocumentPart]) -> object:
        """Return the value of the first part of a document that has just these others."""
        problems = Problems(OnUnknown.ERROR)
        parts = [] if b"*" in text else list(_libyaml(text, self._source, problems))
        if not parts or parts[1:] != others or problems.diagnostics:
            raise UnknownLayout
        return parts[0].value


def _value(json: bytes) -> object:
    """Return JSON as it is where it begins like an object's, which is read faster so."""
    return Raw(json) if json.startswith(_OBJECT) else decode(json)


def _split(text: bytes, separator: bytes, start: int, end: int) -> Iterator[bytes]:
    """Return the texts between separators, one by one, as there may be many."""
    while (found := text.find(separator, start, end)) >= 0:
        yield text[start:found]
        start = found + len(separator)
    yield text[start:end]
