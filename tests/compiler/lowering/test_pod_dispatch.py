"""Verdict maps by address, and the chains between tiers."""

from __future__ import annotations

from cnpc.compiler.ir.printer import print_rule
from cnpc.compiler.ir.program import Chain, Goto, Jump, Terminal
from cnpc.compiler.lowering.pod_dispatch import Dispatch, dispatch_chain, dispatch_path
from cnpc.compiler.lowering.tier_order import EGRESS, INGRESS, OWN_NODE
from cnpc.compiler.model.policy import Direction, Tier
from cnpc.compiler.net import Family

FIRST, SECOND = Chain("first", ()), Chain("second", ())


def test_the_entry_jumps_to_the_first_chain_and_the_rest_is_gone_to() -> None:
    dispatch = Dispatch()
    dispatch.add(Family.IPV4, (2,), dispatch_path("in4", (("in4", FIRST), ("in4_np", SECOND))))
    dispatch.add(Family.IPV4, (1,), dispatch_path("in4", (("in4_np", SECOND),)))
    dispatch.add(Family.IPV4, (3,), dispatch_path("in4", ()))
    dispatch.add(Family.IPV4, (1, 1), (("self4", None, Terminal.RETURN),))
    maps = {item.name: item.elements for item in dispatch.maps()}
    assert maps == {
        "self4": ((((1, 1), (1, 1)), Terminal.RETURN),),
        "in4": ((((1, 1),), Jump("second")), (((2, 2),), Jump("first"))),
        "in4_np": ((((2, 2),), Goto("second")),),
    }
    assert list(dispatch.chains()) == [FIRST, SECOND]


def test_chains_between_tiers_lead_on() -> None:
    def rules(tier: Tier, *made: str) -> list[str]:
        return [print_rule(rule) for rule in dispatch_chain(INGRESS, tier, Family.IPV6, made).rules]

    assert rules(Tier.NETWORK_POLICY) == ["goto ingress6_baseline"]
    assert rules(Tier.NETWORK_POLICY, "ingress6_np") == [
        "lookup daddr in ingress6_np",
        "goto ingress6_baseline",
    ]
    assert rules(Tier.BASELINE, "ingress6_np") == []


def test_the_way_to_the_own_node_ends_behind_admin_for_isolated_pods() -> None:
    isolated = {(Tier.NETWORK_POLICY, Direction.EGRESS), (Tier.BASELINE, Direction.EGRESS)}
    assert OWN_NODE.ends_early(isolated)
    assert not OWN_NODE.ends_early({(Tier.NETWORK_POLICY, Direction.INGRESS)})
    assert not EGRESS.ends_early(isolated)
    assert OWN_NODE.fallthrough(Tier.ADMIN, Family.IPV4) == "own4_baseline"
    assert OWN_NODE.fallthrough(Tier.BASELINE, Family.IPV4) is None
    assert INGRESS.fallthrough(Tier.ADMIN, Family.IPV4) == "ingress4_np"
