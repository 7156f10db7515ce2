from __future__ import annotations

import pytest
from cnpc.backends.nftables.ruleset import EMPTY, NftSet, block, read_ruleset, with_counters
from cnpc.backends.text_slice import TextSlice
from cnpc.compiler.errors import InputError
from cnpc.compiler.net import Family, format_address
from hypothesis import given
from hypothesis import strategies as st
from rulesets import ruleset
from worlds import seeded

SMALL = next(
    text
    for seed in range(40)
    if (text := ruleset(list(seeded(seed).objects()))).count("\n") < 150
    and with_counters(text) != text
)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_read_is_what_was_written(seed: int) -> None:
    text = ruleset(list(seeded(seed).objects()))
    layout = read_ruleset(text)
    sets = [item.text() for item in layout.sets.values()]
    whole = block([*sets, *(item.text() for item in layout.chains.values())])
    assert text.endswith(whole.replace("\n\t}\n\t", "\n\t}\n\n\t"))
    assert layout.header == ("Network policy", "", "  A policy")


def test_every_cut_is_found() -> None:
    for length in range(len(SMALL)):
        with pytest.raises(InputError):
            read_ruleset(SMALL[:length])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("delete table inet cnpc\n", "flush ruleset\n"),
        ("table inet cnpc {\n", "table inet other {\n"),
        ("\tchain forward {\n", "\tchian forward {\n"),
        ("\t\ttype filter", "\ttype filter"),
        ("\t\tct state established accept\n", "\t\tct state established accept\n\n"),
        ("\tchain input {\n", "\tchain forward {\n"),
        ("\t\ttype ipv4_addr\n", "\t\tsize 4\n"),
    ],
)
def test_what_was_changed_is_refused_with_its_place(before: str, after: str) -> None:
    assert before in SMALL
    with pytest.raises(InputError) as refusal:
        read_ruleset(SMALL.replace(before, after), "n.nft")
    (diagnostic,) = refusal.value.diagnostics
    assert str(diagnostic.span).startswith("n.nft:")
    assert diagnostic.hint


def test_the_empty_layout_has_nothing() -> None:
    assert not EMPTY.sets
    assert not EMPTY.chains


@given(st.lists(st.integers(0, 999), unique=True, max_size=700), st.integers(0, 999))
def test_an_address_is_found_among_elements_in_order(numbers: list[int], wanted: int) -> None:
    base = int.from_bytes(bytes((10, 0, 0, 0)), "big")
    words = [format_address(Family.IPV4, base + number) for number in sorted(numbers)]
    elements = ",\n\t\t\t".join(f"{word} : jump c" for word in words)
    table = NftSet(
        "map", "m", "\t\ttype ipv4_addr : verdict\n\t\tsize 64", TextSlice.whole(elements)
    )
    assert table.has(format_address(Family.IPV4, base + wanted)) == (wanted in numbers)
    assert not table.has("fd00::1")


def test_rules_of_policies_count() -> None:
    text = with_counters(SMALL)
    rules = [rule for chain in read_ruleset(text).chains.values() for rule in chain.rules]
    assert text.replace("counter ", "") == SMALL
    assert [("counter " in rule) == (' comment "' in rule) for rule in rules].count(False) == 0
    assert any("counter " in rule for rule in rules)
