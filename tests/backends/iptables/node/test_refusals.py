"""What ipset or the kernel refuses changes nothing, of either family."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cnpc.backends.apply.dataplane import Drift, RulesetSource
from cnpc.backends.apply.engine import Engine
from cnpc.backends.iptables.ruleset import IptablesRuleset, read_iptables
from cnpc.backends.nftables.plan import PlanKind
from cnpc.compiler.errors import NodeError
from engines import kernel_engine
from netcluster import Namespace
from netcluster.namespaces import run
from own_rules import alone, ours
from small_iptables import A, B

pytestmark = pytest.mark.requires_root_and_nft

WRONG = {
    "the tool refuses the rule": ("v6", " -j RETURN", " -m nonsense -j RETURN"),
    "the tool refuses the other": ("v4", " -j RETURN", " -p tcp --dport x -j RETURN"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_refusal_changes_nothing(engine: Engine, flavour: str, wrong: str) -> None:
    engine.apply(A)
    before, record = ours(flavour), engine.read()
    suffix, old, new = WRONG[wrong]
    texts = {**B.texts, suffix: B.texts[suffix].replace(old, new, 1)}
    assert texts != B.texts
    with pytest.raises(NodeError, match="in: "):
        engine.apply(replace(B, texts=texts, read=lambda: read_iptables(texts)))
    assert (ours(flavour), engine.read()) == (before, record)
    assert engine.look()[1].drift is Drift.NONE
    assert engine.apply(B).plan.kind is PlanKind.RULES


def test_what_ipset_refuses_changes_nothing(engine: Engine, flavour: str) -> None:
    engine.apply(A)
    name = next(name for name in B.layout.sets if name not in A.layout.sets)
    run(("ipset", "create", name, "list:set"))
    before, record = ours(flavour), engine.read()
    with pytest.raises(NodeError, match=name):
        engine.apply(B)
    assert (ours(flavour), engine.read()) == (before, record)
    run(("ipset", "destroy", name))
    assert engine.apply(B).plan.kind is PlanKind.RULES


def test_a_chain_that_nft_made_otherwise_is_a_refusal(tmp_path: Path, space: Namespace) -> None:  # noqa: ARG001 - be in it
    """iptables-nft cannot have a chain FORWARD where nft made one at another priority."""
    engine = kernel_engine("iptables-nft", tmp_path)
    chain = "add chain ip mangle FORWARD { type filter hook forward priority 5; }"
    run(("nft", f"add table ip mangle; {chain}"))
    with pytest.raises(NodeError, match="CHAIN_ADD failed"):
        engine.apply(A)
    assert not any(ours("nft").values())
    assert engine.look()[1].drift is Drift.NONE


def looped(given_: RulesetSource[IptablesRuleset], family: str) -> RulesetSource[IptablesRuleset]:
    """Return the ruleset with a rule that only the kernel refuses: it leads to its own chain."""
    rule = "-A CNPC-FORWARD -m conntrack --ctstate ESTABLISHED -j RETURN\n"
    text = given_.texts[family].replace(rule, f"{rule}-A CNPC-FORWARD -j CNPC-FORWARD\n", 1)
    texts = {**given_.texts, family: text}
    return replace(given_, texts=texts, read=lambda: read_iptables(texts))


@pytest.mark.parametrize("family", ["v4", "v6"])
@pytest.mark.parametrize("first", [True, False])
def test_what_the_kernel_refuses_of_one_family_takes_the_other_back(
    engine: Engine, flavour: str, family: str, *, first: bool
) -> None:
    if not first:
        engine.apply(A)
    before, record = ours(flavour), engine.read()
    for _ in range(10):
        with pytest.raises(NodeError, match=r"Too many|loop|Invalid|failed"):
            engine.apply(looped(B, family))
        assert (ours(flavour), engine.read()) == (before, record)
        assert engine.look()[1].drift is Drift.NONE
    engine.apply(B)
    assert ours(flavour) == alone(flavour, B)
