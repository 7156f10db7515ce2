"""Problems found in manifests, and the rule that judges unknown fields."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from msgspec import inspect

from ..errors import Diagnostic, Place, Span, error, warning

QUOTED_LENGTH = 60
_MAX_BITS = 128


class OnUnknown(enum.Enum):
    """What becomes of a policy that says something this version does not know.

    Unknown are fields that are not known at their place, and peers and ports that say nothing
    known. A known field with a wrong value is an error either way, as is an unknown field in a
    subject: nobody can tell for whom the policy would have to fail closed.
    """

    ERROR = "error"
    FAIL_CLOSED = "fail-closed"


class Problems:
    """Collects the diagnostics of a run; ``unknowns`` counts what was not understood.

    A decoder that must fail closed compares the count before and after it read a part. Of the
    unknowns, ``undecided`` counts conditions on labels that nobody can say whether they hold.
    """

    def __init__(self, on_unknown: OnUnknown) -> None:
        """Start without any diagnostic."""
        self.on_unknown = on_unknown
        self.diagnostics: list[Diagnostic] = []
        self.unknowns = 0
        self.undecided = 0

    def error(
        self,
        message: str,
        at: Span | Place | None,
        hint: str = "",
        related: tuple[Span | Place, ...] = (),
    ) -> None:
        """Add an error."""
        self.diagnostics.append(error(message, at, hint, related))

    def warning(self, message: str, at: Span | Place | None, hint: str = "") -> None:
        """Add a warning."""
        self.diagnostics.append(warning(message, at, hint))

    def unknown(self, message: str, at: Place, hint: str = "") -> None:
        """Add what is not understood: an error, or a warning where the rule then fails closed."""
        self.unknowns += 1
        if self.on_unknown is OnUnknown.ERROR:
            self.error(message, at, hint)
        else:
            closed = "what it belongs to fails closed"
            self.warning(message, at, f"{hint}; {closed}" if hint else closed)


def quote(text: str) -> str:
    """Return the text in quotes for a message: printable, and cut when long."""
    if len(text) > QUOTED_LENGTH:
        return repr(text[:QUOTED_LENGTH])[:-1] + "…'"
    return repr(text)


def describe(value: object) -> str:
    """Return what a value of a manifest is, for a message."""
    match value:
        case None:
            return "null"
        case bool():
            return f"the boolean {str(value).lower()}"
        case int() | float():
            return f"the number {number_text(value)}"
        case str():
            return quote(value)
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"


def number_text(value: float) -> str:
    """Return a number for a message, the order of its size if it has many digits."""
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return f"{'-' if value < 0 else ''}2^{value.bit_length() - 1}"
    return str(value)


def path_text(path: Sequence[str | int]) -> str:
    """Return a path as people write it, within its object: ``spec.ingress[0].from``."""
    start = 0
    while len(path) > start + 1 and path[start] == "items" and isinstance(path[start + 1], int):
        start += 2
    text = ""
    for step in islice(path, start, None):
        if isinstance(step, int):
            text += f"[{step}]"
        elif _plain(step):
            text += f".{step}" if text else step
        else:
            text += f"[{quote(step)}]"
    return text


def _plain(step: str) -> bool:
    return step.replace("-", "").replace("_", "").isalnum() and len(step) <= QUOTED_LENGTH


def one_of(words: Sequence[str], last: str = "or") -> str:
    """Return the words as a choice: ``a, b or c``."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


_Shape = Any  # the union of the classes in msgspec.inspect; matched by class below
_Finding = tuple[str, Place]
_BASES: tuple[tuple[type[inspect.Type], type, str], ...] = (
    (inspect.StrType, str, "a string"),
    (inspect.BoolType, bool, "true or false"),
    (inspect.ListType, list, "a list"),
    (inspect.DictType, dict, "a mapping"),
    (inspect.StructType, dict, "a mapping"),
)


def report_misfits(struct: object, value: object, place: Place, problems: Problems) -> None:
    """Report every part of the value that the struct cannot hold."""
    for message, where in _misfits(inspect.type_info(struct), value, place):
        text = path_text(where.path)
        simple = message.startswith("must be a string") and isinstance(where.path[-1], str)
        hint = "write it in quotes" if simple and "mapping" not in message else ""
        problems.error(f"{text}: {message}" if text else message, where, hint)


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
