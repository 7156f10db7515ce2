from __future__ import annotations

from cnpc.compiler.errors import InputError, Place, Source, Span, error, sort, warning


def test_diagnostics_are_sorted_by_file_line_and_column_with_places_last_to_first() -> None:
    late = error("late", Span("b", 1, 1))
    early = warning("early", Span("a", 9, 2))
    same = error("an error before a warning at one place", Span("a", 9, 2))
    unlocated = error("start of its file", Place(Source("a"), 0))
    nowhere = error("nowhere")
    found = sort([late, early, same, unlocated, nowhere])
    assert found == (nowhere, unlocated, same, early, late)


def test_an_input_error_carries_all_diagnostics_in_order() -> None:
    problem = InputError([error("two", Span("b", 1, 1)), error("one", Span("a", 1, 1))])
    assert str(problem) == "one; two"
    assert problem.exit_code == 2


def test_a_span_without_a_line_is_the_whole_file() -> None:
    assert str(Span("a.yaml", 0, 0)) == "a.yaml"
    assert str(Span("a.yaml", 3, 4)) == "a.yaml:3:4"


def test_places_lead_to_values_and_keys() -> None:
    place = Place(Source("a"), 0).child("spec", "ingress", 1)
    assert place.path == ("spec", "ingress", 1)
    assert place.key("from") == Place(Source("a"), 0, ("spec", "ingress", 1, "from"), at_key=True)


def test_the_data_of_a_source_is_no_part_of_its_identity() -> None:
    assert Source("-", b"x") == Source("-", b"y")
