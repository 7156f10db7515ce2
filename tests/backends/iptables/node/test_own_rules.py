"""What is ours among rules that iptables-nft-save does not list, and of either flavour."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cnpc.backends.apply.dataplane import Drift
from cnpc.backends.apply.engine import Engine
from cnpc.backends.iptables.node.active import where_active
from cnpc.backends.iptables.node.dataplane import IptablesDataplane
from cnpc.backends.iptables.node.nft_flavour import own_by_kernel
from cnpc.backends.iptables.node.own_rules import own, own_texts
from cnpc.backends.iptables.node.saved import read_saved
from cnpc.backends.iptables.node.tools import FLAVOURS, UnlistedError, tools_of
from cnpc.backends.nftables.node.dataplane import ruleset_source
from cnpc.backends.nftables.plan import PlanKind
from cnpc.compiler.errors import NodeError
from engines import both_engine, iptables_filter, kernel_engine
from netcluster import IptablesLoader, Namespace
from netcluster.namespaces import run
from rulesets import ruleset, trio
from worlds import seeded

pytestmark = pytest.mark.requires_root_and_nft

WORLD = list(seeded(4).objects())
A, B = trio(WORLD), trio(WORLD[:-1])
FAMILIES = {"v4": ("ip", "iptables"), "v6": ("ip6", "ip6tables")}


@pytest.fixture
def engine(space: Namespace, tmp_path: Path) -> Engine:  # noqa: ARG001 - in it
    return kernel_engine("iptables-nft", tmp_path)


def spoil(family: str) -> None:
    """Add a rule that iptables has no words for, as other programs do."""
    rule = "FORWARD ct mark and 0x1 == 0x1 ct count over 20 counter"
    run(("nft", f"add rule {FAMILIES[family][0]} mangle {rule}"))
    tools = tools_of("nft")
    assert tools
    with pytest.raises(UnlistedError, match=r"does not list the table mangle.*nft list table ip"):
        tools.save(family, "mangle")


@pytest.mark.parametrize("family", FAMILIES)
def test_rules_that_cannot_be_listed_are_in_nobodys_way(engine: Engine, family: str) -> None:
    engine.apply(A)
    spoil(family)
    assert engine.look()[1].drift is Drift.NONE
    assert engine.apply(A).plan.kind is PlanKind.NOTHING
    for _ in range(3):
        engine.apply(B)
        engine.apply(A)
    engine.rollback()
    assert engine.apply(B).plan.kind is PlanKind.NOTHING
    listed = run(("nft", f"list chain {FAMILIES[family][0]} mangle FORWARD"))
    assert listed.count("jump CNPC-FORWARD") == 1
    assert engine.flush(pytest.fail)
    assert "CNPC-" not in run(("nft", "list", "ruleset"))
    assert "ct count" in run(("nft", "list", "ruleset"))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_refusal_takes_back_what_cannot_be_listed(engine: Engine, family: str) -> None:
    engine.apply(A)
    spoil(family)
    before = sorted(run(("nft", "list", "ruleset")).splitlines())  # chains may be in another order
    rule = "-A CNPC-FORWARD -m conntrack --ctstate ESTABLISHED -j RETURN\n"
    text = B.texts["v6"].replace(rule, f"{rule}-A CNPC-FORWARD -j CNPC-FORWARD\n", 1)
    texts = {**B.texts, "v6": text}
    with pytest.raises(NodeError):
        engine.apply(replace(B, texts=texts, read=lambda: iptables_filter("nft").read(texts)))
    assert sorted(run(("nft", "list", "ruleset")).splitlines()) == before
    assert engine.look()[1].drift is Drift.NONE


def test_the_kernel_shows_what_the_program_lists(engine: Engine) -> None:
    engine.apply(A)
    run(("iptables-nft", "-t", "mangle", "-A", "OUTPUT", "-p", "tcp", "-j", "CNPC-FORWARD"))
    run(("ip6tables-nft", "-t", "mangle", "-I", "INPUT", "-g", "CNPC-INPUT"))
    tools = tools_of("nft")
    assert tools
    for family in FAMILIES:
        seen, listed = own_by_kernel(family, "mangle"), read_saved(tools.save(family, "mangle"))
        assert seen.chains.keys() == listed.chains.keys()
        assert (seen.jumps, seen.held) == (listed.jumps, listed.held)
        for name, rules in listed.chains.items():
            assert len(seen.chains[name]) == len(rules)
            assert len(set(seen.chains[name])) == len(set(rules))


def test_counters_are_no_change(engine: Engine) -> None:
    engine.apply(A)
    before = own_by_kernel("v4", "mangle")
    run(("iptables-nft", "-t", "mangle", "-Z"))
    assert own_by_kernel("v4", "mangle") == before
    assert engine.look()[1].drift is Drift.NONE


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.usefixtures("space")
def test_to_look_makes_no_table(flavour: str) -> None:
    tools = tools_of(flavour)
    assert tools
    assert not any(map(bool, own(tools).values()))
    assert Path("/proc/net/ip_tables_names").read_text() == ""
    assert run(("nft", "list", "tables")) == ""


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_comments_of_others_in_our_chains_may_be_any_bytes(
    space: Namespace,  # noqa: ARG001 - in it
    flavour: str,
    tmp_path: Path,
) -> None:
    engine = kernel_engine(f"iptables-{flavour}", tmp_path)
    engine.apply(A)
    words = f"iptables-{flavour} -t mangle -I CNPC-FORWARD -j ACCEPT -m comment --comment"
    subprocess.run([*words.encode().split(), b"caf\xe9"], check=True)
    record, now = engine.look()
    assert now.drift is Drift.CHANGED
    assert "caf\udce9" in engine.view.listing(record)
    assert engine.apply(A).drift is Drift.CHANGED
    assert engine.look()[1].drift is Drift.NONE


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_change_of_the_systems_flavour_is_seen(
    space: Namespace,  # noqa: ARG001 - in it
    flavour: str,
    tmp_path: Path,
) -> None:
    (other,) = set(FLAVOURS) - {flavour}
    kernel_engine(f"iptables-{other}", tmp_path).apply(A)
    engine = kernel_engine(f"iptables-{flavour}", tmp_path)
    record, now = engine.look()
    assert now.drift is Drift.MOVED
    with pytest.raises(NodeError) as refused:
        engine.apply(B)
    assert str(refused.value) == engine.view.obstacle(record)
    assert engine.flush(pytest.fail)
    assert not where_active()
    engine.apply(B)
    assert engine.view.obstacle(engine.read()) == ""


def test_what_is_only_in_the_way_is_a_warning(
    space: Namespace,  # noqa: ARG001 - in it
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A clean-up that fails where nothing of ours judges leaves the deed as it is."""

    def fail(_: IptablesDataplane) -> bool:
        raise NodeError("Cannot open session to kernel.")

    monkeypatch.setattr(IptablesDataplane, "unload", fail)
    told: list[str] = []
    engine = both_engine("legacy", tmp_path, told.append)
    nft = ruleset_source(ruleset(WORLD))
    engine.apply(nft)
    assert engine.flush(pytest.fail)
    assert [words.partition(": ")[2] for words in told] == ["Cannot open session to kernel."]
    engine.apply(nft)
    IptablesLoader("legacy").load(A.texts)
    assert engine.apply(nft).removed == ()
    assert engine.view.leftovers(engine.read()) == ("iptables-legacy",)
    with pytest.raises(NodeError, match="rules of cnpc in iptables-legacy judge still"):
        engine.flush(pytest.fail)
    assert len(told) == 3


def test_texts_are_the_same_chain_by_chain(engine: Engine) -> None:
    engine.apply(A)
    tools = tools_of("nft")
    assert tools
    before = own_texts(tools)
    spoil("v4")
    assert own_texts(tools) == before
