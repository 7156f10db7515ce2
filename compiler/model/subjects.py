"""Who the subjects of policies are, and what the meaning of a policy may depend on of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

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
        self._alike: dict[tuple[LabelSelector, ...], _Alike] = {}
        self._indexes: dict[str, _Indexes] = {}

    def policies_of(self, endpoint: Endpoint, namespace: Namespace) -> tuple[int, ...]:
        """Return the numbers of the policies that select an endpoint of the namespace, in order."""
        indexes = self._indexes.get(namespace.name)
        if indexes is None:
            indexes = self._indexes[namespace.name] = self._indexes_of(namespace)
        own, alike, across = indexes
        found = [own[place] for place in alike.matching(endpoint.labels)]
        for index in across:
            for numbers in index.matching(endpoint.labels):
                found += numbers
        return tuple(sorted(found))

    def _indexes_of(self, namespace: Namespace) -> _Indexes:
        own = self._own.get(namespace.name, ())
        selectors = tuple([self._policies[number].subject.pods for number in own])
        alike = self._alike.get(selectors)
        if alike is None:
            alike = self._alike[selectors] = _Alike(selectors)
        return own, alike, self._across.matching(namespace.labels)

    def _by_pods(self, numbers: Iterable[int]) -> SelectorIndex[list[int]]:
        """Index policies by what they ask of the pods of their namespaces."""
        return _by_selector((self._policies[number].subject.pods, number) for number in numbers)


class _Alike:
    """Finds which of the policies of a namespace select a pod, by their places among them.

    Most namespaces of a cluster are made after one pattern: it is one for all whose policies ask
    for the same labels, and pods of the same labels are looked up once.
    """

    def __init__(self, selectors: Iterable[LabelSelector]) -> None:
        """Take the selectors of the policies in order."""
        self._index = _by_selector((item, place) for place, item in enumerate(selectors))
        self._known: dict[tuple[tuple[str, str], ...], list[int]] = {}

    def matching(self, labels: Mapping[str, str]) -> Sequence[int]:
        """Return the places of the policies that select pods with these labels."""
        key = tuple(labels.items())
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = [*chain.from_iterable(self._index.matching(labels))]
        return found


_Indexes = tuple[Sequence[int], _Alike, Sequence[SelectorIndex[list[int]]]]
"""The numbers of a namespace's own policies, their index, and those of policies across all."""


def _by_selector(items: Iterable[tuple[LabelSelector, int]]) -> SelectorIndex[list[int]]:
    """Index numbers by selectors, each of which is tried once."""
    found: dict[LabelSelector, list[int]] = {}
    for selector, number in items:
        found.setdefault(selector, []).append(number)
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


class Traits(Struct, frozen=True, gc=False):
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
