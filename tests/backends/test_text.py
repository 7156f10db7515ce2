"""Comments: any text within the bytes that there are, cut between characters."""

from __future__ import annotations

import pytest
from cnpc.backends.text import describe_origins, quotable
from cnpc.compiler.ir.match import Origin
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain $x {}; #*'~", "plain $x {}; #*'~"),
        ('say "hi"', "say %22hi%22"),
        ("back\\slash", "back%5Cslash"),
        ("100%", "100%25"),
        ("a\nb\tc\0", "a%0Ab%09c%00"),
        ("\x7f\u2028", "%7F%E2%80%A8"),
        ("é😀", "é😀"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_what_cannot_stand_in_quotes_is_escaped(text: str, expected: str) -> None:
    assert quotable(text, 128) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x" * 128, "x" * 128),
        ("x" * 129, "x" * 125 + "..."),
        ("😀" * 32, "😀" * 32),
        ("😀" * 100, "😀" * 31 + "..."),
        ("x" + "😀" * 32, "x" + "😀" * 31 + "..."),
        ("%" * 42, "%25" * 42),
        ("%" * 43, "%25" * 41 + "..."),
        ("x" * 125 + '"', "x" * 125 + "%22"),
        ("x" * 126 + '"', "x" * 125 + "..."),
        ("x" * 126 + "é", "x" * 126 + "é"),
        ("x" * 127 + "é", "x" * 125 + "..."),
    ],
)
def test_long_texts_are_cut_between_characters(text: str, expected: str) -> None:
    assert quotable(text, 128) == expected


@given(text=st.text(max_size=80), limit=st.integers(3, 60))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_any_text_fits(text: str, limit: int) -> None:
    found = quotable(text, limit)
    assert len(found.encode()) <= limit
    assert found.isprintable()
    assert not set('"\\') & set(found)
    if not found.endswith("..."):
        assert found == quotable(text, 10_000)


def test_origins_are_told_in_short() -> None:
    whole = Origin("Admin", "p", "ingress", 0, "web")
    assert describe_origins([whole]) == "Admin p ingress[0] web"
    assert describe_origins([Origin("Baseline", "p", "egress", 24)]) == "Baseline p egress[24]"
    isolation = Origin("NetworkPolicy", "ns/p", "egress")
    assert describe_origins([isolation]) == "NetworkPolicy ns/p egress isolation"
    assert describe_origins([whole, isolation, whole]) == "Admin p ingress[0] web +2"
