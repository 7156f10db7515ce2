"""Who the subjects of policies are, and what the meaning of a policy may depend on of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from .policy import (
    Direction,
    LabelSelector,
    NamedPort,
    NotSameLabels,
    OneNamespace,
    PodsPeer,
    Policy,
    PolicyRule,
    SameLabels,
)
from .selectors import SelectorIndex
from .snapshot import ContainerPort, Endpoint, Namespace

_EGRESS = Direction.EGRESS


class SubjectIndex:
    """Finds the policies that select an endpoint; only those that may are tried."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        """Take policies by number; those of a namespace are indexed at its first use."""
        self._policies = policies
        self._own: dict[str, list[int]] = {}
        across: dict[LabelSelector, list[int]] = {}
        for number, policy in enumerate(policies):
            namespaces = policy.subject.namespaces
            if isinstance(namespaces, OneNamespace):
                self._own.setdefault(namespaces.name, []).append(number)
            elif isinstance(namespaces, LabelSelector):
                across.setdefault(namespaces, []).append(number)
        self._across = SelectorIndex(
            (namespaces, self._by_pods(numbers)) for namespaces, numbers in across.items()
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
        own = self._by_pods(self._own.get(namespace.name, ()))
        return [own, *self._across.matching(namespace.labels)]

    def _by_pods(self, numbers: Iterable[int]) -> SelectorIndex[list[int]]:
        """Index policies by what they ask of the pods of their namespaces."""
        found: dict[LabelSelector, list[int]] = {}
        for number in numbers:
            found.setdefault(self._policies[number].subject.pods, []).append(number)
        return SelectorIndex(found.items())


class Subject(Struct, frozen=True, gc=False):
    """As much of an endpoint as a policy depends on: equal for those that can share its rules.

    A struct, because it is hashed for every policy of every endpoint.
    """

    namespace: str
    ports: tuple[ContainerPort, ...]

    def judged(self, direction: Direction) -> Subject:
        """Return what matters to rules of one direction: at egress the names are the peers'."""
        if self.ports and direction is _EGRESS:
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
    if not ingress and not egress:
        return _NONE
    relates = any(map(_relates_namespaces, (*ingress, *egress)))
    names = [
        port.name for rule in ingress for port in rule.ports or () if isinstance(port, NamedPort)
    ]
    return Traits(relates, frozenset(names)) if relates or names else _NONE


_NONE = Traits(namespace=False, port_names=frozenset())


def _relates_namespaces(rule: PolicyRule) -> bool:
    for peer in rule.peers or ():
        if isinstance(peer, PodsPeer) and isinstance(peer.namespaces, _RELATIVE):
            return True
    return False


_RELATIVE = (SameLabels, NotSameLabels)
