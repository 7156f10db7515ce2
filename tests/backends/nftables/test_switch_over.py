"""Elements change in one commit if all are of addresses that only one ruleset knows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from cnpc.backends.nftables.diff import compare
from cnpc.backends.nftables.plan import PlanKind, load, plan, replace_whole
from cnpc.backends.nftables.render import Nftables
from cnpc.backends.nftables.ruleset import NftChain, NftRuleset, NftSet, read_ruleset
from cnpc.backends.nftables.switch_over import come_or_go
from cnpc.backends.text_slice import TextSlice
from cnpc.compiler.options import LEVELS
from lowered import NAMESPACES, cnp, lower, namespace, node, np, pod

HASH = "\t\ttype ipv4_addr\n\t\tsize 1024"
RANGES = "\t\ttype ipv4_addr\n\t\tflags interval"
PAIRS = "\t\ttype ipv4_addr . ipv4_addr\n\t\tsize 1024"
MAP = "\t\ttype ipv4_addr : verdict\n\t\tsize 1024"


def table(name: str, head: str, elements: Sequence[str]) -> NftSet:
    kind = "map" if "verdict" in head else "set"
    return NftSet(kind, name, head, TextSlice.whole(",\n\t\t\t".join(elements)))


def layout(*tables: NftSet, rules: Sequence[str] = ()) -> NftRuleset:
    looks = [
        f"ip saddr vmap @{item.name}" if item.kind == "map" else f"ip saddr @{item.name} drop"
        for item in tables
    ]
    chain = NftChain("c", "", (*rules, *looks))
    return NftRuleset((), {item.name: item for item in tables}, {"c": chain})


def alone(old: NftRuleset, new: NftRuleset) -> bool:
    """Tell whether only elements of pods that came or went change."""
    return come_or_go(old, new, compare(old, new).sets)


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
        assert planned.kind is PlanKind.ELEMENTS
        assert len(planned.transactions) == 1


@pytest.mark.parametrize("level", LEVELS)
def test_the_coming_of_an_isolated_pod_is_elements_in_one_commit(level: int) -> None:
    """Also of what the pod sends to itself, which the Admin tier judges by ports."""
    port = "protocols: [{tcp: {destinationPort: {number: 22}}}]"
    policies = (
        np("red/isolation", "Ingress, Egress", "  ingress: [{from: [{podSelector: {}}]}]"),
        cnp(ingress=[f"action: Deny, from: [{{{NAMESPACES}}}], {port}"]),
    )

    def with_pods(number: int) -> NftRuleset:
        pods = [pod(f"red/p{item}", f"10.0.1.{item} fd00::{item}") for item in range(1, number)]
        program = lower(node("n1"), namespace("red"), *pods, *policies, level=level)
        return read_ruleset(Nftables().build(program, ()).texts["nft"])

    planned = plan(with_pods(20), with_pods(21))
    assert planned.kind is PlanKind.ELEMENTS
    assert len(planned.transactions) == 1
    assert "10.0.1.20 . 10.0.1.20 : goto self_admin_ingress4" in str(planned.transactions)


@pytest.mark.parametrize("known", ["10.0.0.0-10.0.0.255", "10.0.0.0/24", "10.0.0.2"])
def test_who_is_known_to_a_set_did_not_come(known: str) -> None:
    others = table("others", RANGES, [known, "10.1.0.0-10.1.0.9"])
    old = layout(table("a", HASH, ["10.0.0.1"]), others)
    new = layout(table("a", HASH, ["10.0.0.1", "10.0.0.2"]), others)
    assert not alone(old, new)
    assert not alone(new, old)


def test_networks_of_policies_know_nobody() -> None:
    networks = table("nets4_a", RANGES, ["10.0.0.0/8"])
    old = layout(table("a", HASH, ["10.0.0.1"]), networks)
    new = layout(table("a", HASH, ["10.0.0.1", "10.0.0.2"]), networks)
    assert alone(old, new)


def test_networks_of_policies_do_not_come() -> None:
    old = layout(table("nets4_a", HASH, ["10.0.0.1"]))
    assert not alone(old, layout(table("nets4_a", HASH, [])))


def test_who_moves_from_one_verdict_to_another_did_not_come() -> None:
    old = layout(table("m", MAP, ["10.0.0.1 : drop", "10.0.0.2 : drop"]))
    new = layout(table("m", MAP, ["10.0.0.1 : return", "10.0.0.2 : drop", "10.0.0.3 : drop"]))
    assert not alone(old, new)
    assert plan(old, new).kind is PlanKind.OVERLAY


def test_a_pair_is_of_both_its_addresses() -> None:
    known = table("a", HASH, ["10.0.0.1"])
    old = layout(known, table("p", PAIRS, []))
    new = layout(known, table("p", PAIRS, ["10.0.0.1 . 10.0.0.2"]))
    assert alone(old, new)
    come = layout(table("a", HASH, ["10.0.0.1", "10.0.0.2"]), new.sets["p"])
    assert not alone(layout(come.sets["a"], old.sets["p"]), come)


def test_an_interval_of_known_and_unknown_is_not_taken_apart() -> None:
    old = layout(table("r", RANGES, ["10.0.0.1"]), table("a", HASH, ["10.0.0.2"]))
    new = layout(table("r", RANGES, ["10.0.0.1-10.0.0.3"]), table("a", HASH, ["10.0.0.2"]))
    assert not alone(old, new)


def test_what_is_no_address_is_left_to_the_kernel() -> None:
    ranges = table("r", RANGES, ["10.0.0.1-10.0.0.3"])
    wrong = table("r", RANGES, ["10.0.0.1-10.0.0.x"])
    assert not alone(layout(ranges), layout(wrong))
    come = table("a", HASH, ["10.0.0.999"])
    assert not alone(layout(table("a", HASH, []), ranges), layout(come, ranges))


def test_too_many_are_not_looked_for() -> None:
    many = [f"10.0.1.{n}" for n in range(65)]
    old, new = layout(table("a", HASH, [])), layout(table("a", HASH, many))
    assert not alone(old, new)
    assert alone(old, layout(table("a", HASH, many[1:])))
    wide = layout(table("a", HASH, []), table("r", RANGES, ["10.0.0.0-10.0.255.255"]))
    assert not alone(layout(table("a", HASH, []), table("r", RANGES, [])), wide)


@pytest.mark.parametrize("number", [64, 65])
def test_a_range_of_64_is_not_too_many(number: int) -> None:
    addresses = [f"10.0.1.0-10.0.1.{number - 1}"]
    old, new = layout(table("r", RANGES, [])), layout(table("r", RANGES, addresses))
    assert alone(old, new) is (number == 64)


def with_base(item: NftRuleset) -> NftRuleset:
    base = NftChain("forward", "type filter hook forward priority 0;", ("jump c",))
    return NftRuleset((), item.sets, {**item.chains, "forward": base})


def test_elements_do_not_change_in_one_commit_with_rules_that_are_in_force() -> None:
    old = layout(table("a", HASH, ["10.0.0.1"]))
    come = layout(table("a", HASH, ["10.0.0.1", "10.0.0.2"]))
    other = layout(table("a", HASH, ["10.0.0.1", "10.0.0.2"]), rules=["accept"])
    for before, after in (
        (old, other),
        (other, old),
        (old, with_base(come)),
        (with_base(old), come),
    ):
        planned = plan(before, after)
        assert planned.kind is PlanKind.OVERLAY
        for item in planned.transactions:
            changed = " element inet cnpc a {" in item.text
            assert not (changed and "jump c" in item.text)
            assert not (changed and "flush chain inet cnpc c" in item.text)


def test_elements_change_behind_rules_that_mean_it_already() -> None:
    old = layout(table("m", MAP, ["10.0.0.1 : drop", "10.0.0.2 : drop"]))
    new = layout(table("m", MAP, ["10.0.0.1 : return", "10.0.0.2 : drop", "10.0.0.3 : drop"]))
    build, _, change, back, remove = plan(old, new).transactions
    assert "m_add" in build.text
    for element in ("10.0.0.1 : return", "10.0.0.3 : drop"):
        assert element in build.text
        assert element in change.text
        assert element not in back.text + remove.text


@pytest.mark.parametrize(("verdict", "helpers"), [("goto x", 1), ("return", 1), ("jump x", 2)])
def test_keys_are_kept_apart_only_if_their_packets_come_back(verdict: str, helpers: int) -> None:
    old = layout(table("m", MAP, ["10.0.0.1 : drop", "10.0.0.2 : drop"]))
    new = layout(table("m", MAP, [f"10.0.0.1 : {verdict}", "10.0.0.2 : drop"]))
    assert plan(old, new).transactions[0].text.count(" m_add") == helpers


@pytest.mark.parametrize("restore", ["", "add element {table} a {{ 10.0.0.9 }}"])
def test_a_base_chain_comes_after_what_it_leads_to(restore: str) -> None:
    base = NftChain("forward", "type filter hook forward priority 0;", ("jump c",))
    inner = layout(table("a", RANGES, ["10.0.0.1-10.0.0.9"]))
    new = NftRuleset((), inner.sets, {"forward": base, **inner.chains})
    texts = [
        item.text
        for item in (*load(new).transactions, *replace_whole(new, restore=restore).transactions)
    ]
    assert any("hook forward" in text for text in texts)
    assert not any("hook forward" in text and "set a" in text for text in texts)
    assert not any("hook forward" in text and "10.0.0.9" in text for text in texts)
