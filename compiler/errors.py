"""Diagnostics: what is wrong with the input, and where, in a form a person can act on."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Severity(enum.Enum):
    """How bad a diagnostic is; only errors stop the compilation."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file; line and column count from 1, the column in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: where, what, and what to do about it; ``text`` is the line it points at."""

    severity: Severity
    message: str
    span: Span | None = None
    hint: str = ""
    text: str = ""


class CnpcError(Exception):
    """Any failure that a user is told of; ``exit_code`` is what the process ends with."""

    exit_code = 2


class InputError(CnpcError):
    """The input is wrong; carries every diagnostic, errors and warnings, sorted by place."""

    exit_code = 2

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep the diagnostics in the order in which they are shown."""
        self.diagnostics = sort(diagnostics)
        super().__init__("; ".join(item.message for item in self.diagnostics))


class NodeError(CnpcError):
    """The node refused what it was asked to do."""

    exit_code = 3


def error(message: str, span: Span | None = None, hint: str = "") -> Diagnostic:
    """Return a diagnostic that stops the compilation."""
    return Diagnostic(Severity.ERROR, message, span, hint)


def warning(message: str, span: Span | None = None, hint: str = "") -> Diagnostic:
    """Return a diagnostic that only informs."""
    return Diagnostic(Severity.WARNING, message, span, hint)


def sort(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics by file, line and column, those without a place first."""
    return tuple(
        sorted(
            diagnostics,
            key=lambda item: (
                item.span is not None,
                item.span or Span("", 0, 0),
                item.severity.value,
                item.message,
            ),
        )
    )
