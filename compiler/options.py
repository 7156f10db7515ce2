"""What a user may choose about the meaning of a compilation."""

from __future__ import annotations

import enum
from dataclasses import dataclass

LEVELS = (0, 1, 2)
"""The optimisation levels; the level 0 keeps one rule per policy rule, as written."""

DEFAULT_LEVEL = 2


class DenyWith(enum.Enum):
    """What a denied packet's sender hears: nothing, or a reset or an ICMP error."""

    DROP = "drop"
    REJECT = "reject"


class OwnNode(enum.Enum):
    """Whether NetworkPolicies isolate a pod from its own node.

    The Kubernetes documentation exempts it. The Admin tier judges in both cases, and the Baseline
    tier only what pods send that no NetworkPolicy selects for egress.
    """

    EXEMPT = "exempt"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class Options:
    """The choices, each with its default."""

    deny_with: DenyWith = DenyWith.DROP
    own_node: OwnNode = OwnNode.EXEMPT
