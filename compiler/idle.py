"""Warnings about policies and rules that can match nothing in this cluster, as it was read.

None of them is wrong. But a cluster that was read in part (no rights to list pods, say) compiles to
rulesets that enforce nothing, and nobody would be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .errors import Diagnostic, warning
from .policy import (
    Direction,
    DomainNamesPeer,
    NodesPeer,
    OneNamespace,
    Peer,
    Policy,
    Tier,
)
from .snapshot import Snapshot

_COMMAND = "kubectl get ns,pods,nodes,netpol,cnp -A -o yaml"


def idle(snapshot: Snapshot, policies: Sequence[Policy]) -> tuple[Diagnostic, ...]:
    """Return a warning for each reason, once for a namespace or policy.

    Without pods, that is the one thing said.
    """
    if policies and not snapshot.endpoints:
        message = "there are policies, but no pod with an address for them to judge"
        return (warning(message, None, f"was all of the cluster read? {_COMMAND}"),)
    return (*_missing_namespaces(snapshot, policies), *_idle_rules(snapshot, policies))


def _missing_namespaces(snapshot: Snapshot, policies: Iterable[Policy]) -> Iterator[Diagnostic]:
    known = {namespace.name for namespace in snapshot.namespaces}
    for policy in policies:
        match policy.subject.namespaces:
            case OneNamespace(name) if name not in known:
                known.add(name)
                yield warning(
                    f"the namespace '{name}' of {policy.kind} '{policy.name}' is not in the input",
                    policy.place and policy.place.child("metadata", "name"),
                    "no pod is in it, so that the policy selects none",
                )


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why peers of a kind match nothing."""

    peers: type[Peer]
    what: str
    hint: str


_NO_NODES = _Reason(
    NodesPeer,
    "selects nodes, and there is no node with an address in the input",
    f"it matches nothing; was all of the cluster read? {_COMMAND}",
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
