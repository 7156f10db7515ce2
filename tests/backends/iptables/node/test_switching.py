"""From one kind of iptables, or from nftables, to another: the old leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from cnpc.backends.apply.dataplane import Drift
from cnpc.backends.iptables.node.tools import FLAVOURS
from cnpc.backends.nftables.node.dataplane import ruleset_source
from cnpc.backends.nftables.plan import PlanKind
from cnpc.compiler.errors import NodeError
from engines import both_engine, kernel_engine
from netcluster import IptablesLoader
from netcluster.namespaces import run
from own_rules import alone, ours
from rulesets import ruleset
from small_iptables import WORLD, A, B

pytestmark = pytest.mark.requires_root_and_nft


def test_the_two_flavours_do_not_both_judge(flavour: str, tmp_path: Path) -> None:
    (other,) = set(FLAVOURS) - {flavour}
    kernel_engine(f"iptables-{other}", tmp_path / "other").apply(A)
    engine = kernel_engine(f"iptables-{flavour}", tmp_path / "own")
    with pytest.raises(NodeError, match=f"rules of cnpc are in iptables-{other}.*cnpc flush"):
        engine.apply(A)
    assert not ours(flavour).keys() - {"sets"}
    engine.flush(pytest.fail)
    engine.apply(A)
    assert ours(flavour) == alone(flavour, A)


def test_switching_the_packet_filter_leaves_nothing_of_the_other(
    flavour: str, tmp_path: Path
) -> None:
    engine = both_engine(flavour, tmp_path)
    nft = ruleset_source(ruleset(WORLD))
    for _ in range(2):
        engine.apply(nft)
        assert not ours(flavour)
        assert "inet cnpc" in run(("nft", "list", "tables"))
        engine.apply(A)
        assert ours(flavour) == alone(flavour, A)
        assert "inet cnpc" not in run(("nft", "list", "tables"))
    engine.rollback()
    assert not ours(flavour)
    assert engine.look()[1].drift is Drift.NONE
    assert engine.boot(pytest.fail) is not None


def test_what_was_loaded_by_hand_of_the_other_kind_is_removed(flavour: str, tmp_path: Path) -> None:
    engine, nft = both_engine(flavour, tmp_path), ruleset_source(ruleset(WORLD))
    IptablesLoader(flavour).load(A.texts)
    assert engine.view.leftovers(engine.read()) == (f"iptables-{flavour}",)
    assert engine.apply(nft).removed == (f"iptables-{flavour}",)
    assert not ours(flavour)
    IptablesLoader(flavour).load(B.texts)
    outcome = engine.apply(nft)
    assert (outcome.plan.kind, outcome.removed) == (PlanKind.NOTHING, (f"iptables-{flavour}",))
    assert not ours(flavour)
    engine.apply(A)
    for kind in (PlanKind.NOTHING, PlanKind.RULES):
        run(("nft", "-f", "-"), nft.texts["nft"])
        assert engine.view.leftovers(engine.read()) == ("nftables",)
        outcome = engine.apply(A if kind is PlanKind.NOTHING else B)
        assert (outcome.plan.kind, outcome.removed) == (kind, ("nftables",))
        assert "cnpc" not in run(("nft", "list", "tables"))
    assert ours(flavour) == alone(flavour, B)
    assert engine.apply(B).removed == ()
    assert engine.look()[1].drift is Drift.NONE


def test_flush_removes_what_was_loaded_by_hand(flavour: str, tmp_path: Path) -> None:
    engine = both_engine(flavour, tmp_path)
    IptablesLoader(flavour).load(A.texts)
    run(("nft", "-f", "-"), ruleset(WORLD))
    assert engine.flush(pytest.fail)
    assert not ours(flavour)
    assert "cnpc" not in run(("nft", "list", "tables"))
