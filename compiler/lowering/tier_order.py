"""The judgements that a packet may meet, each a walk through some of the tiers."""

from __future__ import annotations

from collections.abc import Container, Mapping

from msgspec import Struct

from ..ir.match import Field, Hook
from ..ir.names import SELF, family_name
from ..model.policy import Direction, Tier
from ..net import Family
from ..options import OwnNode

_TIER_SUFFIX = {Tier.ADMIN: "_admin", Tier.NETWORK_POLICY: "_np", Tier.BASELINE: "_baseline"}


TierDirection = tuple[Tier, Direction]


class TierStep(Struct, frozen=True):
    """A tier on a way, in one family: the name of its map, and of what judges behind it."""

    judgement: TierDirection
    family: Family
    map: str
    fallthrough: str | None


class TierOrder(Struct, frozen=True):
    """One judgement: its direction, its tiers in order, and where the packet names the subject."""

    name: str
    direction: Direction
    tiers: tuple[Tier, ...]
    subject: Field

    def dispatch(self, tier: Tier, family: Family) -> str:
        """Return the name of the map, and of the chain, that lead to the tier's chains."""
        suffix = "" if tier is self.tiers[0] else _TIER_SUFFIX[tier]
        return family_name(self.name, family, suffix)

    def fallthrough(self, tier: Tier, family: Family) -> str | None:
        """Return the dispatch of the tier that judges after this one; None behind the last."""
        rest = self.tiers[self.tiers.index(tier) + 1 :]
        return self.dispatch(rest[0], family) if rest else None

    def tier_steps(self, family: Family) -> tuple[TierStep, ...]:
        """Return the tiers in order."""
        return tuple(
            TierStep(
                (tier, self.direction),
                family,
                self.dispatch(tier, family),
                self.fallthrough(tier, family),
            )
            for tier in self.tiers
        )

    def ends_early(self, judging: Container[TierDirection]) -> bool:
        """Tell whether the way of a pod with policies at these judgements ends behind Admin.

        A NetworkPolicy that selects the pod is final. On a way without that tier it allows.
        """
        return (
            Tier.NETWORK_POLICY not in self.tiers
            and (Tier.NETWORK_POLICY, self.direction) in judging
        )


EGRESS = TierOrder("egress", Direction.EGRESS, tuple(Tier), Field.SADDR)
INGRESS = TierOrder("ingress", Direction.INGRESS, tuple(Tier), Field.DADDR)
OWN_NODE = TierOrder("own", Direction.EGRESS, (Tier.ADMIN, Tier.BASELINE), Field.SADDR)


SELF_WAYS = (
    TierOrder(f"{SELF}_egress", Direction.EGRESS, (Tier.ADMIN,), Field.SADDR),
    TierOrder(f"{SELF}_ingress", Direction.INGRESS, (Tier.ADMIN,), Field.DADDR),
)
"""What a pod that NetworkPolicies isolate sends to itself through a Service.

Isolation does not hold there, and is final: the Admin tier alone can deny. The packet has the pod's
address at both ends.
"""


def tier_orders_by_hook(own_node: OwnNode) -> Mapping[Hook, tuple[TierOrder, ...]]:
    """Return the judgements at each hook in order; the input hook sees what pods tell their node.

    The node's own packets to its pods pass the output hook alone, which judges nothing.
    """
    to_node = EGRESS if own_node is OwnNode.ENFORCE else OWN_NODE
    return {Hook.FORWARD: (EGRESS, INGRESS), Hook.INPUT: (to_node,)}
