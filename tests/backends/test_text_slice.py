from __future__ import annotations

import pytest
from cnpc.backends.text_slice import TextSlice
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text("ab", max_size=6)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_parts_compare_as_their_texts_do(before: str, left: str, right: str, after: str) -> None:
    one = TextSlice(before + left + after, len(before), len(before + left))
    other = TextSlice.whole(right)
    assert str(one) == left
    assert (one == other) == (left == right)
    most = min(len(left), len(right))
    start, end = one.common_start(other), one.common_end(other, most)
    assert left[:start] == right[:start]
    assert start == most or left[start] != right[start]
    assert left[len(left) - end :] == right[len(right) - end :]
    assert end == most or left[-1 - end] != right[-1 - end]


@pytest.mark.parametrize("place", [0, 65_535, 65_536, 199_999])
def test_a_difference_is_found_in_whatever_block(place: int) -> None:
    text = "x" * 200_000
    one, other = TextSlice.whole(text), TextSlice.whole(f"{text[:place]}y{text[place + 1 :]}")
    assert one != other
    assert one.common_start(other) == place
    assert one.common_end(other, len(text)) == len(text) - place - 1
    assert hash(one) == hash(TextSlice.whole(text))
