"""Traffic that policies do not judge."""

from __future__ import annotations

from oracle.flow import ICMP, ICMPV6, Decision, Flow, State
from oracle.match import End

NEIGHBOUR_DISCOVERY = (133, 134, 135, 136, 137)  # RFC 4861
MULTICAST_LISTENER = (130, 131, 132, 143)  # RFC 2710, RFC 3810


def unjudged(flow: Flow, source: End, destination: End) -> Decision | None:
    """Return the decision about traffic that no policy judges; the first line that fits counts."""
    always = (*NEIGHBOUR_DISCOVERY, *MULTICAST_LISTENER)
    error = flow.state is State.RELATED and flow.protocol in (ICMP, ICMPV6)
    lines = (
        (not (source.nodes or destination.nodes), True, "no endpoint at either end"),
        (stays_inside(flow, source, destination), True, "never leaves the pod"),
        (flow.state is State.ESTABLISHED, True, "established"),
        (error, True, "ICMP error about a known connection"),
        (flow.protocol == ICMPV6 and flow.icmp_type in always, True, "ND or MLD"),
        (is_own_node(source, destination), True, "a node to its own pod"),
        (flow.state is State.INVALID, False, "invalid"),
        (bool(source.contested or destination.contested), False, "several pods claim the address"),
    )
    for applies, allowed, reason in lines:
        if applies:
            return Decision(allowed=allowed, reason=reason)
    return None


def stays_inside(flow: Flow, source: End, destination: End) -> bool:
    """Tell whether a pod talks to itself, other than through a Service."""
    return is_itself(source, destination) and not flow.through_service


def is_itself(source: End, destination: End) -> bool:
    """Tell whether a pod talks to itself."""
    return source.pod is not None and source.pod is destination.pod


def is_own_node(node: End, pod: End) -> bool:
    """Tell whether one end is the node on which the other end's pod runs."""
    return node.node is not None and node.node.name in pod.nodes
