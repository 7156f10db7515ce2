"""Warnings about policies and rules that can match nothing in this cluster, as it was read.

None of them is wrong. But a cluster that was read in part (no rights to list pods, say) compiles to
rulesets that enforce nothing, and nobody would be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from msgspec import Struct

from ..errors import Diagnostic, Place, warning
from ..model.policy import (
    DUMP,
    Direction,
    DomainNamesPeer,
    LabelSelector,
    NamedPort,
    NamespaceSelection,
    NodesPeer,
    OneNamespace,
    Operator,
    Peer,
    PodsPeer,
    Policy,
    PolicyRule,
    Tier,
)
from ..model.snapshot import NAMESPACE_NAME_LABEL, Snapshot
from ..net import Protocol

_MOST_GUESSES = 20  # to compare a name with 10,000 others takes long


def idle(snapshot: Snapshot, policies: Sequence[Policy]) -> tuple[Diagnostic, ...]:
    """Return a warning for each reason, once for a namespace or policy.

    Without pods, that is the one thing said.
    """
    if policies and not snapshot.endpoints:
        message = "there are policies, but no pod with an address for them to judge"
        return (warning(message, None, f"was all of the cluster read? {DUMP}"),)
    return (
        *_missing_namespaces(snapshot, policies),
        *_misspelt_peers(snapshot, policies),
        *_undeclared_ports(snapshot, policies),
        *_idle_rules(snapshot, policies),
    )


def _missing_namespaces(snapshot: Snapshot, policies: Iterable[Policy]) -> Iterator[Diagnostic]:
    names = [namespace.name for namespace in snapshot.namespaces]
    known = set(names)
    for policy in policies:
        for name in _names(policy.subject.namespaces):
            if name not in known:
                known.add(name)
                near = _near(name, names) if len(known) - len(names) <= _MOST_GUESSES else ""
                yield _missing_namespace(name, policy, near)


def _near(name: str, known: Sequence[str]) -> str:
    """Return the hint that names a namespace much like this one, if there is one."""
    near = get_close_matches(name, known, n=1, cutoff=0.8)
    return f"did you mean '{near[0]}'?" if near else ""


def _missing_namespace(name: str, policy: Policy, near: str) -> Diagnostic:
    of = f"of {policy.kind} '{policy.name}'"
    path = ("metadata", "name")
    if not isinstance(policy.subject.namespaces, OneNamespace):
        of, path = f"in the subject {of}", ("spec", "subject")
    return warning(
        f"the namespace '{name}' {of} is not in the input",
        policy.place and policy.place.child(*path),
        near or "no pod is in it, so that the policy selects none there",
    )


def _misspelt_peers(snapshot: Snapshot, policies: Iterable[Policy]) -> Iterator[Diagnostic]:
    """Yield a warning for each namespace of peers that is not there, if its like is.

    One that is not there at all may come later; policies are often written before.
    """
    names = [namespace.name for namespace in snapshot.namespaces]
    known = set(names)
    for policy in policies:
        for direction in Direction:
            for number, rule in enumerate(policy.rules(direction) or ()):
                for name in _names_of_peers(rule):
                    if name in known or len(known) - len(names) > _MOST_GUESSES:
                        continue
                    known.add(name)
                    if near := _near(name, names):
                        where = policy.words_for(direction, number)
                        message = f"{where} names the namespace '{name}', which is not in the input"
                        yield warning(message, rule.place or policy.place, near)


def _names_of_peers(rule: PolicyRule) -> Iterator[str]:
    for peer in rule.peers or ():
        if isinstance(peer, PodsPeer):
            yield from _names(peer.namespaces)


def _names(namespaces: NamespaceSelection) -> Sequence[str]:
    """Return the namespaces that a selection names."""
    match namespaces:
        case OneNamespace(name):
            return (name,)
        case LabelSelector(requirements):
            return [
                value
                for item in requirements
                if item.key == NAMESPACE_NAME_LABEL and item.operator is Operator.IN
                for value in item.values
            ]
        case _:
            return ()


def _undeclared_ports(snapshot: Snapshot, policies: Iterable[Policy]) -> Iterator[Diagnostic]:
    """Yield a warning for each port name, the first time that a policy has it."""
    known: set[tuple[str, Protocol | None]] = set()
    for ports in {endpoint.ports for endpoint in snapshot.endpoints}:
        for declared in ports:
            known |= {(declared.name, None), (declared.name, declared.protocol)}
    for policy in policies:
        for direction in Direction:
            for number, rule in enumerate(policy.rules(direction) or ()):
                for port in rule.ports or ():
                    if isinstance(port, NamedPort) and (port.name, port.protocol) not in known:
                        known.add((port.name, port.protocol))
                        where = policy.words_for(direction, number)
                        yield _undeclared_port(port, where, rule.place or policy.place)


def _undeclared_port(port: NamedPort, where: str, place: Place | None) -> Diagnostic:
    protocol = f" for {port.protocol.name}" if port.protocol else ""
    return warning(
        f"{where} has the port name '{port.name}', which no pod in the input declares{protocol}",
        place,
        "it matches nothing; containers declare names in ports[].name",
    )


class _Reason(Struct, frozen=True):
    """Why peers of a kind match nothing."""

    peers: type[Peer]
    what: str
    hint: str


_NO_NODES = _Reason(
    NodesPeer,
    "selects nodes, and there is no node with an address in the input",
    f"it matches nothing; was all of the cluster read? {DUMP}",
)
_NO_NAMES = _Reason(
    DomainNamesPeer,
    "names domains, whose addresses cnpc does not look up",
    "it matches nothing until something on the node fills its sets, dns4_… and dns6_…",
)


def _idle_rules(snapshot: Snapshot, policies: Iterable[Policy]) -> Iterator[Diagnostic]:
    has_nodes = any(node.addresses for node in snapshot.nodes)
    reasons = (_NO_NAMES,) if has_nodes else (_NO_NAMES, _NO_NODES)
    for policy in policies:
        if policy.tier is not Tier.NETWORK_POLICY:  # it has no such peers
            for reason in reasons:
                yield from _first(policy, reason)


def _first(policy: Policy, reason: _Reason) -> Iterator[Diagnostic]:
    """Yield the warning about the first rule of the policy that the reason concerns, if any."""
    for direction in Direction:
        for number, rule in enumerate(policy.rules(direction) or ()):
            if any(isinstance(peer, reason.peers) for peer in rule.peers or ()):
                where = policy.words_for(direction, number)
                yield warning(f"{where} {reason.what}", rule.place or policy.place, reason.hint)
                return
