"""Who the subjects of policies are, and what the meaning of a policy may depend on of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .policy import (
    Direction,
    LabelSelector,
    NamedPort,
    NamespaceSelection,
    NotSameLabels,
    OneNamespace,
    PodsPeer,
    Policy,
    PolicyRule,
    SameLabels,
)
from .selectors import SelectorIndex
from .snapshot import ContainerPort, Endpoint, Namespace

_BySelector = Mapping[LabelSelector, list[int]]
"""The numbers of policies by their selector of pods."""


class SubjectIndex:
    """Finds the policies that select an endpoint; only those that may are tried."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        """Take policies by number; those of a namespace are indexed at its first use."""
        found: dict[NamespaceSelection, dict[LabelSelector, list[int]]] = {}
        for number, policy in enumerate(policies):
            pods = found.setdefault(policy.subject.namespaces, {})
            pods.setdefault(policy.subject.pods, []).append(number)
        self._own: Mapping[NamespaceSelection, _BySelector] = found
        self._across = SelectorIndex(
            (namespaces, SelectorIndex(pods.items()))
            for namespaces, pods in found.items()
            if isinstance(namespaces, LabelSelector)
        )
        self._indexes: dict[str, list[SelectorIndex[list[int]]]] = {}

    def policies_of(self, endpoint: Endpoint, namespace: Namespace) -> tuple[int, ...]:
        """Return the numbers of the policies that select an endpoint of the namespace, in order."""
        indexes = self._indexes.get(namespace.name)
        if indexes is None:
            indexes = self._indexes[namespace.name] = self._indexes_of(namespace)
        found: list[int] = []
        for index in indexes:
            for numbers in index.matching(endpoint.labels):
                found += numbers
        return tuple(sorted(found))

    def _indexes_of(self, namespace: Namespace) -> list[SelectorIndex[list[int]]]:
        own = self._own.get(OneNamespace(namespace.name), {})
        return [SelectorIndex(own.items()), *self._across.matching(namespace.labels)]


@dataclass(frozen=True, slots=True)
class Subject:
    """As much of an endpoint as a policy depends on: equal for those that can share its rules."""

    namespace: str
    ports: tuple[ContainerPort, ...]

    def judged(self, direction: Direction) -> Subject:
        """Return what matters to rules of one direction: at egress the names are the peers'."""
        if self.ports and direction is Direction.EGRESS:
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
