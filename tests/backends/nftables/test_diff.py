from __future__ import annotations

import pytest
from cnpc.backends.nftables.diff import compare, with_sizes
from cnpc.backends.nftables.ruleset import NftRuleset, NftSet
from cnpc.backends.text_slice import TextSlice
from hypothesis import given
from hypothesis import strategies as st


def table(elements: list[str], size: int = 1024, name: str = "s") -> NftSet:
    return NftSet(
        "set",
        name,
        f"\t\ttype ipv4_addr\n\t\tsize {size}",
        TextSlice.whole(",\n\t\t\t".join(elements)),
    )


def layout(*tables: NftSet) -> NftRuleset:
    return NftRuleset((), {item.name: item for item in tables}, {})


ADDRESSES = st.lists(st.integers(0, 300).map(lambda n: f"10.0.{n // 256}.{n % 256}"), unique=True)


@given(old=ADDRESSES, new=ADDRESSES)
def test_only_what_differs_is_named(old: list[str], new: list[str]) -> None:
    changes = compare(layout(table(sorted(old))), layout(table(sorted(new))))
    if set(old) == set(new):
        assert not changes
        return
    change = changes.sets["s"]
    assert sorted(change.added) == sorted(set(new) - set(old))
    assert sorted(change.removed) == sorted(set(old) - set(new))


def test_a_size_stays_while_the_elements_fit() -> None:
    old, new = layout(table(["10.0.0.1"], 16)), layout(table(["10.0.0.1", "10.0.0.2"], 32))
    changes = compare(old, new)
    assert not changes.sets["s"].remade
    assert changes.sizes == {"s": 16}
    kept = with_sizes(new, changes.sizes)
    assert kept.sets["s"].size == 16
    assert not compare(kept, new)


def test_a_set_that_outgrows_its_size_is_made_anew() -> None:
    many = [f"10.0.0.{n}" for n in range(17)]
    changes = compare(layout(table(many[:16], 16)), layout(table(many, 64)))
    assert changes.sets["s"].remade
    assert not changes.sizes


@pytest.mark.parametrize(
    "head", ["\t\ttype ipv6_addr\n\t\tsize 16", "\t\ttype ipv4_addr\n\t\tflags interval"]
)
def test_a_set_of_another_kind_is_made_anew(head: str) -> None:
    old = table(["10.0.0.1"], 16)
    assert (
        compare(layout(old), layout(NftSet("set", "s", head, TextSlice.whole("")))).sets["s"].remade
    )
