from __future__ import annotations

import json
from pathlib import Path

import pytest
from cnpc.compiler.errors import (
    Diagnostic,
    InputError,
    Place,
    Severity,
    Source,
    Span,
    error,
    printable,
)
from cnpc.compiler.manifests.load import load
from cnpc.compiler.manifests.text.render_problems import locate, render

LONG = 100_000_000


def shown(text: str, *path: str | int, key: bool = False) -> tuple[str, str]:
    """Return line and column of a place, and the text from there on."""
    place = Place(
        Source("t.json" if text.startswith("{") else "t.yaml", text.encode()), 0, path, key
    )
    (found,) = locate([error("m", place)])
    return str(found.span).partition(":")[2], found.text[found.caret :]


YAML = "a:\n  b: [x, {c: d}]\n  'e f': \"g\"\n"
JSON = json.dumps({"a": {"b": ["x", {"c": "d"}], "e f": "g"}}, indent=1)


def test_values_and_keys_are_found_in_yaml() -> None:
    assert shown(YAML, "a", "b", 1, "c") == ("2:14", "d}]")
    assert shown(YAML, "a", "b", 1, "c", key=True) == ("2:11", "c: d}]")
    assert shown(YAML, "a", "e f", key=True) == ("3:3", "'e f': \"g\"")
    assert shown(YAML) == ("1:1", "a:")


def test_values_and_keys_are_found_in_json() -> None:
    assert shown(JSON, "a", "b", 1, "c") == ("6:10", '"d"')
    assert shown(JSON, "a", "b", 1, "c", key=True) == ("6:5", '"c": "d"')
    assert shown(JSON, "a", "e f", key=True) == ("9:3", '"e f": "g"')


def test_what_is_missing_is_shown_at_what_is_around_it() -> None:
    assert shown(YAML, "a", "b", 7, "x") == ("2:6", "[x, {c: d}]")
    assert shown(YAML, "a", "gone", key=True) == ("2:3", "b: [x, {c: d}]")
    assert shown(JSON, "a", "b", 1, "gone") == ("5:4", "{")


def test_what_an_alias_brings_is_shown_at_the_alias() -> None:
    assert shown("x: &x {a: 1}\ny: *x\n", "y", "a") == ("2:4", "*x")


def test_a_place_of_a_later_document() -> None:
    source = Source("t.yaml", b"a: 1\n---\nb: 2\n")
    (found,) = locate([error("m", Place(source, 1, ("b",)))])
    assert str(found.span) == "t.yaml:3:4"


def test_a_diagnostic_has_its_line_a_caret_and_a_hint() -> None:
    item = Diagnostic(
        Severity.WARNING, "m", Span("f", 3, 5), "h", "\tab c", 4, (Span("g", 1, 2), Span("e", 0, 0))
    )
    assert render([item]) == (
        "f:3:5: warning: m\n    \tab c\n    \t   ^\n    also: g:1:2\n    also: e\n    hint: h\n"
    )


def test_carets_stand_under_wide_characters() -> None:
    item = Diagnostic(Severity.ERROR, "m", Span("f", 1, 4), "", "政e\u0301x", 3)
    assert render([item]).splitlines()[2] == "       ^"


def test_nothing_in_the_input_can_act_on_a_terminal() -> None:
    item = Diagnostic(Severity.ERROR, "\x1b[31m", Span("\x07", 1, 1), "\r", "\x1b]0;x\x07", 0)
    assert all(line.isprintable() for line in render([item]).splitlines())
    assert printable("a\tb") == "a\tb"


def test_a_file_that_is_gone_leaves_only_its_name(tmp_path: Path) -> None:
    place = Place(Source(str(tmp_path / "gone.yaml")), 0, ("a",))
    assert render([error("m", place)]) == f"{tmp_path}/gone.yaml: error: m\n"


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_line_of_100_megabytes_is_cut(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"long.{suffix}"
    path.write_bytes(
        b'{"apiVersion": "v1", "kind": "Namespace", "metadata": {"annotations": {"a": "'
        + b"x" * LONG
        + b'"}, "name": "No", "labels": {"b": "c"}}}'
    )
    with pytest.raises(InputError) as caught:
        load([str(path)])
    text = render(caught.value.diagnostics)
    assert text.startswith(f"{path}:1:{LONG + 90}: error: metadata.name: 'No' is not a DNS label\n")
    assert all(len(line) < 200 for line in text.splitlines())
    line, caret = text.splitlines()[1:3]
    assert line[len(caret) - 1 :].startswith('"No"')


def test_a_line_of_100_megabytes_that_is_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_bytes(b"x" * LONG)
    with pytest.raises(InputError) as caught:
        load([str(path)])
    text = render(caught.value.diagnostics)
    assert "not a manifest but 'xxx" in text
    assert all(len(line) < 200 for line in text.splitlines())
