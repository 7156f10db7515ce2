"""Everything in which a value differs from a struct, where msgspec stops at the first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import inspect

from ..errors import Place
from .findings import Findings, describe, one_of, path_text

_Shape = Any  # the union of the classes in msgspec.inspect; matched by class below
_Finding = tuple[str, Place]
_BASES: tuple[tuple[type[inspect.Type], type, str], ...] = (
    (inspect.StrType, str, "a string"),
    (inspect.BoolType, bool, "true or false"),
    (inspect.ListType, list, "a list"),
    (inspect.DictType, dict, "a mapping"),
    (inspect.StructType, dict, "a mapping"),
)


def report_misfits(struct: object, value: object, place: Place, findings: Findings) -> None:
    """Report every part of the value that the struct cannot hold."""
    for message, where in _misfits(inspect.type_info(struct), value, place):
        text = path_text(where.path)
        simple = message.startswith("must be a string") and isinstance(where.path[-1], str)
        hint = "write it in quotes" if simple and "mapping" not in message else ""
        findings.error(f"{text}: {message}" if text else message, where, hint)


def _misfits(shape: _Shape, value: object, place: Place) -> Iterator[_Finding]:
    if isinstance(shape, inspect.UnionType):
        if value is None:
            return
        (shape,) = (item for item in shape.types if not isinstance(item, inspect.NoneType))
    for described, base, name in _BASES:
        if isinstance(shape, described) and not isinstance(value, base):
            yield f"must be {name}, not {describe(value)}", place
            return
    yield from _inner_misfits(shape, value, place)


def _inner_misfits(shape: _Shape, value: Any, place: Place) -> Iterator[_Finding]:  # noqa: ANN401 - its type was just checked
    match shape:
        case inspect.StructType():
            yield from _fields(shape, value, place)
        case inspect.ListType():
            for index, item in enumerate(value):
                yield from _misfits(shape.item_type, item, place.child(index))
        case inspect.DictType():
            for key, item in value.items():
                yield from _misfits(shape.value_type, item, place.child(key))
        case inspect.IntType():
            yield from _integer(shape, value, place)
        case inspect.LiteralType() if value not in shape.values:
            yield (
                f"must be {one_of([str(item) for item in shape.values])}, not {describe(value)}",
                place,
            )


def _integer(shape: _Shape, value: object, place: Place) -> Iterator[_Finding]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield f"must be a whole number, not {describe(value)}", place
    elif not shape.ge <= value <= shape.le:
        yield f"must be between {shape.ge} and {shape.le}, not {value}", place


def _fields(shape: _Shape, value: dict[str, object], place: Place) -> Iterator[_Finding]:
    for field in shape.fields:
        name = field.encode_name
        if name in value:
            yield from _misfits(field.type, value[name], place.child(name))
        elif field.required:
            yield f"the field '{name}' is required", place
