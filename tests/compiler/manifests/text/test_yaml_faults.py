"""Where text that is not YAML is wrong, in words of what to change."""

from __future__ import annotations

import pytest
from cnpc.compiler.errors import Source
from cnpc.compiler.manifests.problems import OnUnknown, Problems
from cnpc.compiler.manifests.text.yaml_documents import read_yaml
from hypothesis import given
from hypothesis import strategies as st


def fault(text: str) -> tuple[str, str, str]:
    """Return the place, the message and the hint of the one error of a text."""
    problems = Problems(OnUnknown.ERROR)
    list(read_yaml(text.encode(), Source("f"), problems))
    [found] = problems.diagnostics
    return str(found.span).removeprefix("f:"), found.message, found.hint


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: {b: c\nd: {e: f}\n", "1:4"),
        ("a: [b, {c: d}\ne: f\n", "1:4"),
        ("a: {b: {c: d}\n---\ne: {}}\n", "1:4"),
        ("a: {b: '}', c: \"}\" # }\nd: e\n", "1:4"),
        ("a: 'b\nc: d\n", "1:4"),
    ],
)
def test_what_is_not_closed_is_told_where_it_opens(text: str, place: str) -> None:
    found, message, _ = fault(text)
    assert (found, message[-24:]) == (place, "opens here is not closed")


def test_a_comma_that_is_missing_is_told_at_its_place() -> None:
    place, message, hint = fault("a: {b: c\n  d: e}\n")
    assert place == "2:4"
    assert "expected ',' or '}'" in message
    assert hint == "a ',' or '}' is missing before this, or quotes around the value"


def test_templates_far_above_an_error_are_not_blamed() -> None:
    text = "a: |\n  {{ template }}\nb: c\nd: e\nf: [\n"
    assert "template" not in fault(text)[1]


def test_a_comment_is_no_template() -> None:
    assert "template" not in fault("# {{ a }}\nb: 'c\n")[1]


@given(st.text(alphabet="ab{}[]'\"#:,-\n &*!|>%@`<?$\t", max_size=40))
def test_whatever_is_written_is_explained(text: str) -> None:
    problems = Problems(OnUnknown.ERROR)
    list(read_yaml(text.encode(), Source("f"), problems))
