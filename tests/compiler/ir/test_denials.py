"""Chains that deny whatever comes to them, or judge anew what pods send to themselves."""

from __future__ import annotations

import pytest
from cnpc.compiler.ir.match import Field
from cnpc.compiler.ir.program import Chain, Goto, Lookup, Rule, Terminal
from cnpc.compiler.ir.reachability import deny_verdicts_of, judges_self
from lowered import NAMESPACES, body, cnp, lower, namespace, node, np, pod

DROP, RETURN = Rule((), Terminal.DROP), Rule((), Terminal.RETURN)
PAIR = (Field.SADDR, Field.DADDR)
SELF = Rule((), Lookup(PAIR, "self_ingress4"))
OTHER = Rule((), Lookup(PAIR, "ingress4_pairs"))


@pytest.mark.parametrize(
    ("rules", "denials", "own"),
    [
        ((DROP,), {Terminal.DROP}, False),
        ((SELF, DROP), {Terminal.DROP}, True),
        ((OTHER, DROP), set(), False),
        ((SELF, RETURN), set(), True),
        ((RETURN, SELF, DROP), set(), False),
        ((Rule((), Goto("c")),), set(), False),
        ((), set(), False),
    ],
)
def test_what_a_chain_denies(rules: tuple[Rule, ...], denials: set[Terminal], own: bool) -> None:  # noqa: FBT001 - a case
    chain = Chain("c", rules)
    assert deny_verdicts_of(chain) == denials
    assert judges_self(chain) is own


def test_isolation_denies_in_a_chain_that_judges_pods_to_themselves() -> None:
    deny = f"action: Deny, from: [{{{NAMESPACES}}}]"
    program = lower(
        node("n1"),
        namespace("red"),
        pod("red/a", "10.0.0.1"),
        np("red/a", "Ingress"),
        cnp(ingress=[deny]),
    )
    assert [chain.name for chain in program.chains if judges_self(chain)] == ["isolated_ingress4"]
    assert body(program, "isolated_ingress4")[-1] == "drop"
