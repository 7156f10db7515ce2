"""Addresses that only one ruleset knows change in the commit that switches; others do not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from cnpc.backends.arrivals import divide
from cnpc.backends.changes import compare
from cnpc.backends.layout import Chain, Layout, Table
from cnpc.backends.part import Part
from cnpc.backends.transaction import Kind, load, plan, replace_whole

HASH = "\t\ttype ipv4_addr\n\t\tsize 1024"
RANGES = "\t\ttype ipv4_addr\n\t\tflags interval"
PAIRS = "\t\ttype ipv4_addr . ipv4_addr\n\t\tsize 1024"
MAP = "\t\ttype ipv4_addr : verdict\n\t\tsize 1024"


def table(name: str, head: str, elements: Sequence[str]) -> Table:
    kind = "map" if "verdict" in head else "set"
    return Table(kind, name, head, Part.whole(",\n\t\t\t".join(elements)))


def layout(*tables: Table, rules: Sequence[str] = ()) -> Layout:
    looks = [
        f"ip saddr vmap @{item.name}" if item.kind == "map" else f"ip saddr @{item.name} drop"
        for item in tables
    ]
    chain = Chain("c", "", (*rules, *looks))
    return Layout((), {item.name: item for item in tables}, {"c": chain})


def names(old: Layout, new: Layout) -> tuple[list[str], list[str]]:
    """Return what changes for arrivals alone, and what else changes."""
    theirs, others = divide(old, new, compare(old, new).tables)
    return [item.new.name for item in theirs], list(others)


@pytest.mark.parametrize("head", [HASH, RANGES])
def test_a_pod_that_comes_or_goes_takes_one_commit(head: str) -> None:
    old = layout(table("a", HASH, ["10.0.0.1"]), table("b", head, ["10.0.0.1", "10.0.0.9"]))
    new = layout(
        table("a", HASH, ["10.0.0.1", "10.0.0.2"]),
        table("b", head, ["10.0.0.1-10.0.0.2", "10.0.0.9"])
        if head == RANGES
        else table("b", head, ["10.0.0.1", "10.0.0.2", "10.0.0.9"]),
    )
    for before, after in ((old, new), (new, old)):
        planned = plan(before, after)
        assert planned.kind is Kind.ELEMENTS
        assert len(planned.transactions) == 1


@pytest.mark.parametrize("known", ["10.0.0.0-10.0.0.255", "10.0.0.0/24", "10.0.0.2"])
def test_who_is_known_to_a_set_did_not_come(known: str) -> None:
    others = table("others", RANGES, [known, "10.1.0.0-10.1.0.9"])
    old = layout(table("a", HASH, ["10.0.0.1"]), others)
    new = layout(table("a", HASH, ["10.0.0.1", "10.0.0.2"]), others)
    assert names(old, new) == ([], ["a"])
    assert names(new, old) == ([], ["a"])


def test_networks_of_policies_know_nobody() -> None:
    networks = table("nets4_a", RANGES, ["10.0.0.0/8"])
    old = layout(table("a", HASH, ["10.0.0.1"]), networks)
    new = layout(table("a", HASH, ["10.0.0.1", "10.0.0.2"]), networks)
    assert names(old, new) == (["a"], [])


def test_networks_of_policies_do_not_come() -> None:
    old = layout(table("nets4_a", HASH, ["10.0.0.1"]))
    assert names(old, layout(table("nets4_a", HASH, []))) == ([], ["nets4_a"])


def test_who_moves_from_one_verdict_to_another_did_not_come() -> None:
    old = layout(table("m", MAP, ["10.0.0.1 : drop", "10.0.0.2 : drop"]))
    new = layout(table("m", MAP, ["10.0.0.1 : return", "10.0.0.2 : drop", "10.0.0.3 : drop"]))
    theirs, others = divide(old, new, compare(old, new).tables)
    assert [item.added for item in theirs] == [("10.0.0.3 : drop",)]
    assert others["m"].added == ("10.0.0.1 : return",)
    assert others["m"].removed == ("10.0.0.1 : drop",)


def test_a_pair_is_of_both_its_addresses() -> None:
    known = table("a", HASH, ["10.0.0.1"])
    old = layout(known, table("p", PAIRS, []))
    new = layout(known, table("p", PAIRS, ["10.0.0.1 . 10.0.0.2"]))
    assert names(old, new) == (["p"], [])


def test_an_interval_of_known_and_unknown_is_not_taken_apart() -> None:
    old = layout(table("r", RANGES, ["10.0.0.1"]), table("a", HASH, ["10.0.0.2"]))
    new = layout(table("r", RANGES, ["10.0.0.1-10.0.0.3"]), table("a", HASH, ["10.0.0.2"]))
    assert names(old, new) == ([], ["r"])


def test_what_is_no_address_is_left_to_the_kernel() -> None:
    ranges = table("r", RANGES, ["10.0.0.1-10.0.0.3"])
    wrong = table("r", RANGES, ["10.0.0.1-10.0.0.x"])
    assert names(layout(ranges), layout(wrong)) == ([], ["r"])
    come = table("a", HASH, ["10.0.0.999"])
    assert names(layout(table("a", HASH, []), ranges), layout(come, ranges)) == ([], ["a"])


def test_too_many_are_not_looked_for() -> None:
    many = [f"10.0.1.{n}" for n in range(65)]
    old, new = layout(table("a", HASH, [])), layout(table("a", HASH, many))
    assert names(old, new) == ([], ["a"])
    assert names(old, layout(table("a", HASH, many[1:]))) == (["a"], [])
    wide = layout(table("a", HASH, []), table("r", RANGES, ["10.0.0.0-10.0.255.255"]))
    assert names(layout(table("a", HASH, []), table("r", RANGES, [])), wide) == ([], ["r"])


def test_arrivals_change_together_with_the_rules() -> None:
    old = layout(table("a", HASH, ["10.0.0.1"]))
    new = layout(table("a", HASH, ["10.0.0.1", "10.0.0.2"]), rules=["accept"])
    planned = plan(old, new)
    assert planned.kind is Kind.RULES
    [switch] = planned.transactions
    assert "flush chain inet cnpc c" in switch.text
    assert "add element inet cnpc a { 10.0.0.2 }" in switch.text


def test_others_change_behind_rules_that_mean_it_already() -> None:
    old = layout(table("m", MAP, ["10.0.0.1 : drop", "10.0.0.2 : drop"]))
    new = layout(table("m", MAP, ["10.0.0.1 : return", "10.0.0.2 : drop", "10.0.0.3 : drop"]))
    build, switch, change, back, remove = plan(old, new).transactions
    assert "m_add" in build.text
    assert "10.0.0.3 : drop" in switch.text
    assert "10.0.0.3" not in build.text + change.text + back.text + remove.text
    assert "10.0.0.1 : return" in change.text


@pytest.mark.parametrize(("verdict", "helpers"), [("goto x", 1), ("return", 1), ("jump x", 2)])
def test_keys_are_kept_apart_only_if_their_packets_come_back(verdict: str, helpers: int) -> None:
    old = layout(table("m", MAP, ["10.0.0.1 : drop", "10.0.0.2 : drop"]))
    new = layout(table("m", MAP, [f"10.0.0.1 : {verdict}", "10.0.0.2 : drop"]))
    assert plan(old, new).transactions[0].text.count(" m_add") == helpers


@pytest.mark.parametrize("restore", ["", "add element {table} a {{ 10.0.0.9 }}"])
def test_a_base_chain_comes_after_what_it_leads_to(restore: str) -> None:
    base = Chain("forward", "type filter hook forward priority 0;", ("jump c",))
    inner = layout(table("a", RANGES, ["10.0.0.1-10.0.0.9"]))
    new = Layout((), inner.tables, {"forward": base, **inner.chains})
    texts = [
        item.text
        for item in (*load(new).transactions, *replace_whole(new, restore=restore).transactions)
    ]
    assert any("hook forward" in text for text in texts)
    assert not any("hook forward" in text and "set a" in text for text in texts)
    assert not any("hook forward" in text and "10.0.0.9" in text for text in texts)
