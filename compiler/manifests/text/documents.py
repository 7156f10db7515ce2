"""A file's bytes to the objects in it: documents, and the items of lists within lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Literal, TypeVar

import msgspec

from ...errors import Place, Source, Span
from ..hints.hint import for_list
from ..problems import OnUnknown, Problems, describe
from .json_text import decode_plain, is_json, read_json, repeats_no_key
from .not_manifests import NOT_ONE, recognize, rendered_by, without_kind
from .parts import DocumentPart
from .yaml_documents import read_yaml

T = TypeVar("T")
_LIST = "List"
_HEAD = re.compile(rb'\{\s*"apiVersion"\s*:\s*"([\w./-]+)"\s*,\s*"kind"\s*:\s*"(\w+)"')
_MAX_DEPTH = 10
_ITEMS = "objects are the 'items' of a List, or documents with a line '---' between them"

MOST_CHECKED = 1 << 24
"""Up to how many bytes JSON is searched for keys that come twice: only the last would count.

That takes as long as reading it. Larger files are written by programs, which write each key once.
"""


class _List(msgspec.Struct, tag_field="kind", tag=_LIST):
    """What kubectl prints; anything else goes the general way."""

    apiVersion: Literal["v1"]  # noqa: N815 - the API's name
    items: list[msgspec.Raw]


_LISTS = msgspec.json.Decoder(_List)


class TypeName(msgspec.Struct, frozen=True):
    """apiVersion and kind of an object."""

    api_version: str
    kind: str

    @property
    def item(self) -> TypeName | None:
        """What the items of this list are: a PodList holds Pods, a List what its items say."""
        kind = self.kind.removesuffix(_LIST)
        return TypeName(self.api_version, kind) if kind else None

    def __str__(self) -> str:
        return f"{self.api_version}/{self.kind}"


class Manifest(msgspec.Struct, frozen=True):
    """An object as it was found: plain values, or the bytes of JSON."""

    type_name: TypeName
    value: object
    place: Place

    def convert(self, decoder: msgspec.json.Decoder[T]) -> T:
        """Return it as a struct; msgspec.DecodeError if it does not fit."""
        if isinstance(self.value, msgspec.Raw):
            return decoder.decode(self.value)
        converted: T = msgspec.convert(self.value, decoder.type)
        return converted

    def plain(self, problems: Problems) -> object:
        """Return it as plain values."""
        if isinstance(self.value, msgspec.Raw):
            return decode_plain(bytes(self.value), self.place, problems)
        return self.value


class EmptyFile(Exception):  # noqa: N818 - it is for the caller to say whether that is an error
    """There is no document in a file, or it could not be read."""


def read_manifests(data: bytes, source: Source, problems: Problems) -> Iterator[Manifest]:
    """Return every object of a file; what is not an object is reported.

    Raises EmptyFile if there is not even a list without items.
    """
    if found := recognize(data):
        line, message, hint = found
        problems.error(message, Span(source.name, line, 1), hint)
        return
    read = _read_json if is_json(source.name, data) else _read_yaml
    yield from read(data, source, problems)


def holds_no_object(data: bytes, source: Source) -> bool:
    """Tell whether a file has nothing but mappings that do not say what they are."""
    problems = Problems(OnUnknown.ERROR)
    with suppress(EmptyFile):
        for _ in read_manifests(data, source, problems):
            return False
    messages = {item.message for item in problems.diagnostics}
    return messages == {NOT_ONE}


def _read_json(data: bytes, source: Source, problems: Problems) -> Iterator[Manifest]:
    repeats = len(data) <= MOST_CHECKED and not repeats_no_key(data)
    try:
        items = _LISTS.decode(data).items if data.isascii() and not repeats else None
    except (msgspec.DecodeError, RecursionError):
        items = None
    if items is not None:
        yield from read_items(items, Place(source, 0, ("items", 0)), problems)
        return
    index = -1
    for index, raw in enumerate(read_json(data, source, problems)):
        place = Place(source, index)
        value = _plain(raw, place, problems) if repeats else raw
        yield from _unwrap(value, place, None, problems, 0)
    if index < 0:
        raise EmptyFile


def read_items(
    items: Iterable[msgspec.Raw], first: Place, problems: Problems
) -> Iterator[Manifest]:
    """Return the objects that are items of a ``List``, the first of them at that place."""
    *path, start = first.path
    for index, raw in enumerate(items, int(start)):
        match = _HEAD.match(raw)
        where = Place(first.source, first.document, (*path, index))
        if match and not match[2].endswith(b"List"):
            yield Manifest(_named(match[1], match[2]), raw, where)
        else:
            yield from _unwrap(raw, where, None, problems, 1)


@lru_cache
def _named(api_version: bytes, kind: bytes) -> TypeName:
    return TypeName(api_version.decode(), kind.decode())


def _read_yaml(data: bytes, source: Source, problems: Problems) -> Iterator[Manifest]:
    waiting: list[DocumentPart] = []
    empty = True
    for part in read_yaml(data, source, problems):
        empty = empty and part.value is None
        if part.path:
            if _names_itself(part.value):
                place = Place(source, part.document, part.path)
                yield from _unwrap(part.value, place, None, problems, 1)
            else:
                waiting.append(part)
        elif part.items_came:
            yield from _finish_list(part, waiting, source, problems)
            waiting.clear()
        elif part.value is not None:
            yield from _unwrap(part.value, Place(source, part.document), None, problems, 0)
    if empty:
        raise EmptyFile


def _names_itself(value: object) -> bool:
    if isinstance(value, msgspec.Raw):
        return _HEAD.match(value) is not None or _names_itself(msgspec.json.decode(value))
    return isinstance(value, dict) and all(
        isinstance(value.get(name), str) for name in ("apiVersion", "kind")
    )


def _finish_list(
    root: DocumentPart, items: list[DocumentPart], source: Source, problems: Problems
) -> Iterator[Manifest]:
    """Return the items that left their kind to the list around them."""
    place = Place(source, root.document)
    type_name = _type_name(root.value, place, None, problems)
    if type_name is None:
        return
    if not type_name.kind.endswith(_LIST):
        hint = "did you mean the kind 'List'?" if type_name.kind.lower() == "list" else ""
        problems.error(f"a {type_name.kind} has no 'items'", place.key("items"), hint)
        return
    for item in items:
        yield from _unwrap(item.value, place.child(*item.path), type_name.item, problems, 1)


def _unwrap(
    value: object, place: Place, default: TypeName | None, problems: Problems, depth: int
) -> Iterator[Manifest]:
    """Return an object, or all those of a list."""
    if isinstance(value, msgspec.Raw):
        match = _HEAD.match(value)
        if match and not match[2].endswith(b"List"):
            yield Manifest(_named(match[1], match[2]), value, place)
            return
    head = _entries(value, place, problems)
    if head is None:
        plain = _plain(value, place, problems)
        hint = _ITEMS if isinstance(plain, list) else ""
        problems.error(f"not a manifest but {describe(plain)}", place, hint)
        return
    type_name = _type_name(head, place, default, problems)
    if type_name is None:
        return
    if not type_name.kind.endswith(_LIST):
        yield Manifest(type_name, value, place)
        return
    if depth > _MAX_DEPTH:
        problems.error(f"lists nested more than {_MAX_DEPTH} levels deep", place)
        return
    for index, item in enumerate(_list_items(head, place, problems)):
        where = place.child("items", index)
        yield from _unwrap(item, where, type_name.item, problems, depth + 1)


def _entries(value: object, place: Place, problems: Problems) -> dict[str, object] | None:
    """Return the entries of a mapping; those of JSON stay raw."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, msgspec.Raw):
        return None
    try:
        return dict(msgspec.json.decode(value, type=dict[str, msgspec.Raw]))
    except msgspec.ValidationError:
        return None
    except msgspec.DecodeError:  # half of a surrogate pair, which Python's parser takes
        plain = _plain(value, place, problems)
        return plain if isinstance(plain, dict) else None


def _plain(value: object, place: Place, problems: Problems) -> object:
    if isinstance(value, msgspec.Raw):
        return decode_plain(bytes(value), place, problems)
    return value


def _type_name(
    head: object, place: Place, default: TypeName | None, problems: Problems
) -> TypeName | None:
    """Return apiVersion and kind, which an item may leave to its list."""
    if not isinstance(head, dict):
        return None
    words = []
    said = {
        name: _plain(head.get(name), place.child(name), problems) for name in ("apiVersion", "kind")
    }
    if default is None and not said["kind"]:
        hint = rendered_by(place.source.name)
        if hint or not said["apiVersion"]:
            problems.error(NOT_ONE, place, hint or without_kind(head))
            return None
    for name, inherited in (
        ("apiVersion", default.api_version if default else ""),
        ("kind", default.kind if default else ""),
    ):
        word = said[name]
        if word is None and inherited:
            word = inherited
        if not word:
            problems.error(f"the field '{name}' is required", place)
        elif not isinstance(word, str):
            problems.error(f"{name}: must be a string, not {describe(word)}", place.child(name))
        else:
            words.append(word)
    return TypeName(*words) if len(words) == 2 else None  # noqa: PLR2004 - both


def _list_items(head: dict[str, object], place: Place, problems: Problems) -> list[object]:
    items = head.get("items")
    if isinstance(items, msgspec.Raw):
        try:
            raws = msgspec.json.decode(items, type=list[msgspec.Raw] | None)
        except msgspec.DecodeError:
            items = _plain(items, place.child("items"), problems)
        else:
            return list(raws or ())
    if items is None:
        return []
    if not isinstance(items, list):
        where = place.child("items")
        hint = for_list(where.path, items)
        problems.error(f"items: must be a list, not {describe(items)}", where, hint)
        return []
    return items
