"""What the meaning of a policy may depend on beyond its text: who its subject is."""

from __future__ import annotations

from dataclasses import dataclass

from .policy import Direction, NamedPort, NotSameLabels, PodsPeer, Policy, PolicyRule, SameLabels
from .snapshot import ContainerPort, Endpoint


@dataclass(frozen=True, slots=True)
class Subject:
    """As much of an endpoint as a policy depends on: equal for those that can share its rules."""

    namespace: str
    ports: tuple[ContainerPort, ...]

    def judged(self, direction: Direction) -> Subject:
        """Return what matters to rules of one direction: at egress the names are the peers'."""
        if direction is Direction.EGRESS and self.ports:
            return Subject(self.namespace, ())
        return self


_ANYONE = Subject("", ())


@dataclass(frozen=True, slots=True)
class Traits:
    """What of its subjects a policy depends on."""

    namespace: bool
    port_names: frozenset[str]

    def subject(self, endpoint: Endpoint) -> Subject:
        """Return what of the endpoint matters."""
        if not self.namespace and not self.port_names:
            return _ANYONE
        return Subject(
            endpoint.namespace if self.namespace else "",
            tuple(port for port in endpoint.ports if port.name in self.port_names),
        )


def traits(*policies: Policy) -> Traits:
    """Return what any of the policies depends on.

    A peer may be defined by the subject's namespace; at ingress a port name is the subject's own.
    """
    ingress = [rule for policy in policies for rule in policy.ingress or ()]
    egress = [rule for policy in policies for rule in policy.egress or ()]
    return Traits(
        any(_relates_namespaces(rule) for rule in (*ingress, *egress)),
        frozenset(
            port.name
            for rule in ingress
            for port in rule.ports or ()
            if isinstance(port, NamedPort)
        ),
    )


def _relates_namespaces(rule: PolicyRule) -> bool:
    return any(
        isinstance(peer, PodsPeer) and isinstance(peer.namespaces, SameLabels | NotSameLabels)
        for peer in rule.peers or ()
    )
