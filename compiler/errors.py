"""Diagnostics: what is wrong with the input, and where, in a form a person can act on."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


class Severity(enum.Enum):
    """How bad a diagnostic is; only errors stop the compilation."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file; line and column count from 1, the column in characters.

    Line 0 is the file as a whole.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Source:
    """A file by the name that messages use; ``data`` is kept of what cannot be read twice."""

    name: str
    data: bytes | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was read: its path within a document of a file.

    Finding the line and column takes a second look at the file, so it waits until they are shown
    (``diagnostics.locate``). ``at_key`` points to the last key of the path instead of its value.
    """

    source: Source
    document: int
    path: tuple[str | int, ...] = ()
    at_key: bool = False

    def child(self, *steps: str | int) -> Place:
        """Return the place of a value inside this one."""
        return Place(self.source, self.document, self.path + steps)

    def key(self, name: str) -> Place:
        """Return the place of a key of this mapping."""
        return Place(self.source, self.document, (*self.path, name), at_key=True)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: where, what, and what to do about it.

    ``text`` is the line that the span points at, cut around the place if it is long; ``caret`` is
    the index of that place in it. ``related`` are other places that take part.
    """

    severity: Severity
    message: str
    span: Span | Place | None = None
    hint: str = ""
    text: str = ""
    caret: int = 0
    related: tuple[Span | Place, ...] = ()


class Part(enum.Enum):
    """What a piece of a message means; terminals have a colour for each."""

    ERROR = enum.auto()
    WARNING = enum.auto()
    WELL = enum.auto()
    PLACE = enum.auto()
    HINT = enum.auto()


Paint = Callable[[str, Part], str]
"""Returns a piece of a message as it is shown."""


def plain(text: str, _part: Part) -> str:
    """Return the text as it is."""
    return text


class CnpcError(Exception):
    """Any failure that a user is told of; ``exit_code`` is what the process ends with."""

    exit_code = 2


class InputError(CnpcError):
    """The input is wrong; carries every diagnostic, errors and warnings, sorted by place.

    ``most`` of a kind are shown, all if it is 0; ``outcome`` is what became of the command.
    """

    exit_code = 2
    most = 20
    outcome = "nothing written"

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep the diagnostics in the order in which they are shown."""
        self.diagnostics = sort(diagnostics)
        super().__init__("; ".join(item.message for item in self.diagnostics))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Diagnostic, ...]]]:
        """Return how to make it again in another process: of the diagnostics, not of their text."""
        return InputError, (tuple(self.diagnostics),)


class NodeError(CnpcError):
    """The node refused what it was asked to do."""

    exit_code = 3


def error(
    message: str,
    span: Span | Place | None = None,
    hint: str = "",
    related: tuple[Span | Place, ...] = (),
) -> Diagnostic:
    """Return a diagnostic that stops the compilation."""
    return Diagnostic(Severity.ERROR, message, span, hint, related=related)


def warning(message: str, span: Span | Place | None = None, hint: str = "") -> Diagnostic:
    """Return a diagnostic that only informs."""
    return Diagnostic(Severity.WARNING, message, span, hint)


def printable(text: str) -> str:
    """Return the text with a mark for each character that could act on a terminal."""
    return "".join(
        character if character == "\t" or character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def sort(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics by file, line and column, those without a place first.

    Places that are not yet located come at the start of their file.
    """
    return tuple(
        sorted(
            diagnostics,
            key=lambda item: (
                item.span is not None,
                _span(item.span),
                item.severity.value,
                item.message,
            ),
        )
    )


def _span(place: Span | Place | None) -> Span:
    match place:
        case Span():
            return place
        case Place(source):
            return Span(source.name, 0, 0)
        case None:
            return Span("", 0, 0)
