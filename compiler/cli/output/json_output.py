"""``--json``: what a command found, as one JSON object on standard output (docs/json.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

import click

from ...errors import CnpcError, Diagnostic, InputError, Span, error
from .messages import say


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json`` as the parameter ``as_json``; a failure is then printed as JSON too."""

    @wraps(command)
    def run(*args: object, as_json: bool, **kwargs: object) -> object:
        try:
            return command(*args, as_json=as_json, **kwargs)
        except CnpcError as failure:
            if as_json:
                print_json({"errors": diagnostics_json(_diagnostics(failure))})
            raise

    option = click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object, for programs."
    )
    return option(run)


def print_json(facts: Mapping[str, object]) -> None:
    """Print what the running command found on one line of standard output."""
    say(as_json_line(facts))


def as_json_line(facts: Mapping[str, object]) -> str:
    """Return what the running command found on one line, without its end."""
    return json.dumps({"command": click.get_current_context().info_name, **facts})


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, object]]:
    """Return located diagnostics as JSON has them (docs/schema/diagnostic.json)."""
    return [
        {
            "severity": item.severity.value,
            "message": item.message,
            "hint": item.hint or None,
            **_span_json(item.span),
            "related": [_span_json(place) for place in item.related],
        }
        for item in diagnostics
    ]


def _span_json(span: object) -> dict[str, object]:
    if not isinstance(span, Span):
        return {"file": None, "line": None, "column": None}
    return {"file": span.file, "line": span.line or None, "column": span.column or None}


def _diagnostics(failure: CnpcError) -> Iterable[Diagnostic]:
    return failure.diagnostics if isinstance(failure, InputError) else [error(str(failure))]
