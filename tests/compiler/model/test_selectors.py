"""Label selectors: the mask of an index, one object at a time, and in words."""

from __future__ import annotations

from itertools import product

import pytest
from cnpc.compiler.bitset import mask_of
from cnpc.compiler.model.policy import LabelSelector, Operator, Requirement
from cnpc.compiler.model.selectors import LabelIndex, SelectorIndex, describe, matches

LABELS = [{}, {"a": "1"}, {"a": "2"}, {"a": "1", "b": "1"}, {"b": ""}] * 5
A_IN = Requirement("a", Operator.IN, ("1",))
A_IN_TWO = Requirement("a", Operator.IN, ("1", "2"))
A_NOT = Requirement("a", Operator.NOT_IN, ("1",))
HAS_B = Requirement("b", Operator.EXISTS)
NO_B = Requirement("b", Operator.DOES_NOT_EXIST)
EMPTY_B = Requirement("b", Operator.IN, ("",))
NO_KEY = Requirement("z", Operator.NOT_IN, ("1",))
ALL = (A_IN, A_IN_TWO, A_NOT, HAS_B, NO_B, EMPTY_B, NO_KEY)


@pytest.mark.parametrize(
    ("requirements", "chosen"),
    [
        ((), {0, 1, 2, 3, 4}),
        ((A_IN,), {1, 3}),
        ((A_IN_TWO,), {1, 2, 3}),
        ((A_NOT,), {0, 2, 4}),
        ((HAS_B,), {3, 4}),
        ((NO_B,), {0, 1, 2}),
        ((EMPTY_B,), {4}),
        ((NO_KEY,), {0, 1, 2, 3, 4}),
        ((A_IN, NO_B), {1}),
        ((A_IN, A_NOT), set()),
    ],
)
def test_selectors(requirements: tuple[Requirement, ...], chosen: set[int]) -> None:
    found = LabelIndex(LABELS[:5]).select(LabelSelector(requirements))
    assert found == sum(1 << position for position in chosen)


def test_the_index_and_one_object_agree() -> None:
    index = LabelIndex(LABELS)
    for pair in product(ALL, repeat=2):
        selector = LabelSelector(pair)
        each = [matches(selector, labels) for labels in LABELS]
        assert index.select(selector) == sum(bit << place for place, bit in enumerate(each))


def test_many_selectors_and_one_by_one_agree() -> None:
    selectors = [LabelSelector(pair) for pair in product(ALL, repeat=2)]
    selectors += [LabelSelector(), LabelSelector((Requirement("a", Operator.IN),))]
    for tried in (selectors, selectors[-5:], []):
        index = SelectorIndex((selector, place) for place, selector in enumerate(tried))
        for labels in LABELS[:5]:
            expected = [place for place, item in enumerate(tried) if matches(item, labels)]
            assert sorted(index.matching(labels)) == expected


def test_no_objects_are_selected_from_none() -> None:
    assert LabelIndex([]).select(LabelSelector()) == LabelIndex([]).select(LabelSelector(ALL)) == 0


def test_masks() -> None:
    assert mask_of((), 0) == 0
    assert mask_of((0, 9, 9), 10) == 0b1000000001


def test_descriptions_are_those_of_kubectl_whatever_the_order() -> None:
    assert describe(LabelSelector()) == ""
    assert describe(LabelSelector(ALL)) == describe(LabelSelector(ALL[::-1]))
    assert describe(LabelSelector((HAS_B, A_IN))) == "a=1,b"
    assert describe(LabelSelector((NO_B, A_NOT, A_IN_TWO))) == "!b,a in (1,2),a notin (1)"
    assert len({describe(LabelSelector((item,))) for item in ALL}) == len(ALL)
