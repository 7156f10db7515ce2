"""The oracle: what each packet must get, and which node's hook gives it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from ipaddress import ip_address

from oracle.cluster import Pod, read_cluster
from oracle.flow import TCP, Decision, Direction, Flow, Hop, Judgement
from oracle.match import End, subject_selects
from oracle.policies import ClusterPolicy, cluster_policies, network_policies
from oracle.selectors import Manifest, selects
from oracle.special import is_itself, is_own_node, stays_inside, unjudged
from oracle.tiers import Policies, View, decide


class Oracle:
    """Judges packets by the manifests of one cluster.

    ``own_node`` is "exempt" (NetworkPolicy isolation spares what a pod sends to its own node) or
    "enforce"; ``deny_with`` is "drop" or "reject"; ``fail_closed`` takes clusters in which several
    live pods have one address.
    """

    def __init__(
        self,
        documents: Iterable[Manifest],
        own_node: str = "exempt",
        deny_with: str = "drop",
        *,
        fail_closed: bool = False,
    ) -> None:
        self.cluster = read_cluster(documents, fail_closed=fail_closed)
        self._own_node = own_node
        self._deny_with = deny_with
        self._admin = cluster_policies(self.cluster.policies, "Admin")
        self._baseline = cluster_policies(self.cluster.policies, "Baseline")
        self._network_policies = network_policies(self.cluster.policies)
        # What does not depend on the flow is kept: the loops stay naive, but bearable.
        self._policies = cache(self._policies_of)
        self._end = cache(self._end_at)

    def judge(self, flow: Flow) -> Judgement:
        """Return the verdict of both directions, and what a denied sender is answered."""
        source, destination = self.ends(flow)
        decision = unjudged(flow, source, destination)
        if decision is not None:
            return Judgement(decision, decision)
        egress = self._egress(flow, source, destination)
        ingress = self._ingress(flow, source, destination)
        if (egress.allowed and ingress.allowed) or self._deny_with == "drop":
            return Judgement(egress, ingress)
        return Judgement(egress, ingress, "reset" if flow.protocol == TCP else "prohibited")

    def per_node(self, flow: Flow) -> tuple[Hop, ...]:
        """Return which hooks judge the flow, on its way from source to destination.

        A pod's packets to its own node pass the node's input hook; what passes from one interface
        to another its forward hook. What a node sends to its own pods is judged nowhere.
        """
        source, destination = self.ends(flow)
        if stays_inside(flow, source, destination):
            return ()
        to, sent_by = destination.node, source.node
        hops = [
            Hop(node, "input" if to and to.name == node else "forward", ("egress",))
            for node in source.nodes
        ]
        for node in destination.nodes:
            if sent_by and sent_by.name == node:
                continue
            same = Hop(node, "forward", ("egress",))
            if same in hops:
                hops[hops.index(same)] = replace(same, directions=("egress", "ingress"))
            else:
                hops.append(Hop(node, "forward", ("ingress",)))
        return tuple(hops)

    def ends(self, flow: Flow) -> tuple[End, End]:
        """Return who sends and who gets the flow."""
        return self._end(flow.source, flow.sender), self._end(flow.destination, flow.receiver)

    def _end_at(self, text: str, node_name: str | None) -> End:
        address = ip_address(text)
        if node_name is None:
            contested = tuple(self.cluster.contested.get(address, ()))
            cluster = self.cluster
            return End(address, cluster.pod_at(address), cluster.node_at(address), contested)
        return End(address, None, next(n for n in self.cluster.nodes if n.name == node_name))

    def _egress(self, flow: Flow, source: End, destination: End) -> Decision:
        if source.pod is None:
            return Decision(allowed=True, reason="not sent by an endpoint")
        policies = self._policies("egress", source.pod)
        to_own_node = is_own_node(destination, source) and self._own_node == "exempt"
        spared = to_own_node or is_itself(source, destination)
        view = View("egress", flow, source.pod, destination, self.cluster)
        return decide(view, policies, isolates=not spared)

    def _ingress(self, flow: Flow, source: End, destination: End) -> Decision:
        if destination.pod is None:
            return Decision(allowed=True, reason="not sent to an endpoint")
        policies = self._policies("ingress", destination.pod)
        view = View("ingress", flow, destination.pod, source, self.cluster)
        return decide(view, policies, isolates=not is_itself(source, destination))

    def _policies_of(self, direction: Direction, pod: Pod) -> Policies:
        def selecting(policies: list[ClusterPolicy]) -> tuple[ClusterPolicy, ...]:
            return tuple(p for p in policies if subject_selects(p.subject, pod, self.cluster))

        isolating = (
            policy
            for policy in self._network_policies
            if policy.namespace == pod.namespace
            and selects(policy.pods, pod.labels)
            and policy.rules(direction) is not None
        )
        return Policies(selecting(self._admin), tuple(isolating), selecting(self._baseline))
