"""What somebody changed of our rules is named by status, diff and apply, in words and in JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cnpc.backends.apply.dataplane import words_of
from command import CLUSTER, STORIES, cnpc, run
from netcluster import Namespace
from schemas import checked

Load = Callable[[str], Path]


def test_the_first_parts_are_named_and_the_others_counted() -> None:
    assert words_of("changed", ()) == "changed"
    assert words_of("changed", ("set a", "map b")) == "changed (set a, map b)"
    assert words_of("changed", tuple("abcdefg")) == "changed (a, b, c, d, e, 2 more)"


@pytest.fixture
def load(space: Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:  # noqa: ARG001 - be in it
    monkeypatch.setenv("CNPC_STATE_DIR", str(tmp_path / "state"))

    def apply(backend: str) -> Path:
        suffix = {"nftables": "nft", "iptables": "v4"}[backend]
        options = ("--backend", backend, "-o", tmp_path)
        assert cnpc("compile", CLUSTER, STORIES / "2-allow", *options).code == 0
        ruleset = tmp_path / f"worker-1.{suffix}"
        assert cnpc("apply", ruleset).code == 0
        return ruleset

    return apply


def told(ruleset: Path, parts: Sequence[str]) -> None:
    """Check that each command names the parts, until apply has put them right."""
    words = f"({', '.join(parts)})"
    assert words in cnpc("status").out
    assert checked(cnpc("status", "--json").out)["drifted_parts"] == list(parts)
    assert words in cnpc("diff").err
    assert checked(cnpc("diff", ruleset, "--json").out)["drifted_parts"] == list(parts)
    assert words in cnpc("apply", ruleset).err
    assert checked(cnpc("apply", ruleset, "--json").out)["drifted_parts"] == []
    assert cnpc("diff").code == 0


@pytest.mark.requires_root_and_nft
def test_chains_sets_and_maps_of_nft_are_named(load: Load) -> None:
    ruleset = load("nftables")
    for change, parts in (
        ("add rule inet cnpc forward counter", ["chain forward"]),
        ("flush map inet cnpc ingress4", ["map ingress4"]),
        ("add element inet cnpc local4 { 192.0.2.77 }", ["set local4"]),
        (
            "add chain inet cnpc x; add rule inet cnpc x drop; add set inet cnpc y { type mark; }",
            ["chain x", "set y"],
        ),
    ):
        assert run("nft", change).code == 0
        told(ruleset, parts)


@pytest.mark.requires_root_and_nft
def test_rules_and_sets_of_iptables_are_named(load: Load) -> None:
    ruleset = load("iptables")
    assert run("iptables", "-t", "mangle", "-I", "FORWARD", "-j", "ACCEPT").code == 0
    told(ruleset, ["rules"])
    name = run("ipset", "list", "-n").out.split()[0]
    assert run("ipset", "flush", name).code == 0
    told(ruleset, [f"set {name}"])
    run("ipset", "create", "cnpc-x", "hash:ip", "timeout", "0")
    told(ruleset, ["sets"])
