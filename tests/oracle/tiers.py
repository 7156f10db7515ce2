"""The verdict of a new connection in one direction: Admin, NetworkPolicy, Baseline, allowed."""

from __future__ import annotations

from dataclasses import dataclass

from oracle.cluster import Cluster, Pod
from oracle.flow import Decision, Direction, Flow, Step
from oracle.match import (
    End,
    network_peer_matches,
    network_port_matches,
    peer_matches,
    protocol_matches,
)
from oracle.policies import ClusterPolicy, NetworkPolicy, Rule
from oracle.selectors import Manifest


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies that select one pod and say something of one direction, in order."""

    admin: tuple[ClusterPolicy, ...]
    isolating: tuple[NetworkPolicy, ...]
    baseline: tuple[ClusterPolicy, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A flow as the policies of one of its pods, the subject, see it; ``peer`` is the other end."""

    direction: Direction
    flow: Flow
    subject: Pod
    peer: End
    cluster: Cluster

    @property
    def destination(self) -> Pod | None:
        """The pod whose named ports count."""
        return self.subject if self.direction == "ingress" else self.peer.pod


def decide(view: View, policies: Policies, *, isolates: bool = True) -> Decision:
    """Return the verdict of the tiers, with every rule that had a say.

    ``isolates`` tells whether the isolation by NetworkPolicies holds for such traffic.
    """
    steps = _steps(view, policies, isolates=isolates)
    if steps and steps[-1].action != "Pass":
        return Decision(steps[-1].action == "Accept", steps, node=view.subject.node)
    return Decision(allowed=True, steps=steps, reason="no tier decides", node=view.subject.node)


def _steps(view: View, policies: Policies, *, isolates: bool) -> tuple[Step, ...]:
    # 1. Admin: the first match wins; Pass and no match go on.
    admin = _first_match(view, policies.admin)
    if admin and admin.action != "Pass":
        return (admin,)
    passed = (admin,) if admin else ()
    # 2. NetworkPolicy: final for a pod that any of them isolates, also where that does not hold.
    if policies.isolating and not isolates:
        return passed
    if policies.isolating:
        return (*passed, _network_policy_step(view, policies.isolating))
    # 3. Baseline: as 1. What no tier decides is allowed (4).
    baseline = _first_match(view, policies.baseline)
    return (*passed, baseline) if baseline else passed


def _first_match(view: View, policies: tuple[ClusterPolicy, ...]) -> Step | None:
    for policy in policies:
        for rule in policy.rules(view.direction):
            if _rule_matches(view, rule):
                return Step(policy.tier, policy.name, rule.index, rule.name, rule.action)
    return None


def _rule_matches(view: View, rule: Rule) -> bool:
    """Any peer and any protocol; None is anything."""
    peers = rule.peers is None or any(
        peer_matches(item, view.peer, view.cluster, view.subject) for item in rule.peers
    )
    return peers and (
        rule.protocols is None
        or any(protocol_matches(item, view.flow, view.destination) for item in rule.protocols)
    )


def _network_policy_step(view: View, policies: tuple[NetworkPolicy, ...]) -> Step:
    """Return the first rule of any policy that matches, or the isolation's denial."""
    for policy in policies:
        for index, rule in policy.rules(view.direction) or []:
            if _network_rule_matches(view, policy, rule):
                return Step("NetworkPolicy", str(policy), index, "", "Accept")
    return Step("NetworkPolicy", ",".join(map(str, policies)), None, "", "Deny")


def _network_rule_matches(view: View, policy: NetworkPolicy, rule: Manifest) -> bool:
    """Any peer and any port; an empty or missing list is anything."""
    peers = rule.get("from" if view.direction == "ingress" else "to")
    ports = rule.get("ports")
    return (
        not peers
        or any(network_peer_matches(item, view.peer, view.cluster, policy) for item in peers)
    ) and (
        not ports or any(network_port_matches(item, view.flow, view.destination) for item in ports)
    )
