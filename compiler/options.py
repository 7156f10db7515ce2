"""What a user may choose about the meaning of a compilation."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class DenyWith(enum.Enum):
    """What a denied packet's sender hears: nothing, or a reset or an ICMP error."""

    DROP = "drop"
    REJECT = "reject"


class OwnNode(enum.Enum):
    """Whether NetworkPolicy isolation holds for a pod's traffic to its own node.

    The Kubernetes documentation exempts it; ClusterNetworkPolicy rules apply in both cases.
    """

    EXEMPT = "exempt"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class Options:
    """The choices, each with its default."""

    deny_with: DenyWith = DenyWith.DROP
    own_node: OwnNode = OwnNode.EXEMPT
