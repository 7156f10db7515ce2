"""networking.k8s.io/v1 NetworkPolicy, with the checks of the API server.

What is unknown in a peer or a port makes that entry match nothing, in a rule the whole rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...model.policy import (
    Action,
    Direction,
    LabelSelector,
    OneNamespace,
    Peer,
    PodsPeer,
    Policy,
    PolicyPort,
    PolicyRule,
    Tier,
)
from ..cursor import Cursor, ObjectCursor, understood
from ..labels import Metadata, decode_selector, is_dns_label, is_subdomain
from .peers import PEERS_FIELD, decode_network_policy_peer
from .ports import decode_network_policy_port

EVERYTHING = LabelSelector()
T = TypeVar("T")
_POLICY_TYPES = {"Ingress": Direction.INGRESS, "Egress": Direction.EGRESS}


def decode_network_policy(metadata: Metadata, spec: Cursor, *, closed: bool) -> Policy | None:
    """Return the policy, or None after its errors were reported; ``closed``: no rule matches."""
    if not is_subdomain(metadata.name):
        metadata.report_name("a DNS subdomain")
    if not is_dns_label(metadata.namespace):
        metadata.field.error(f"the namespace {metadata.namespace!r} is not a DNS label")
    before = spec.problems.unknowns
    fields = spec.fields("podSelector", "policyTypes", "ingress", "egress")
    if fields is None:
        return None
    closed = closed or spec.problems.unknowns > before
    ways = _directions(fields, closed=closed)
    undecided = spec.problems.undecided
    pods = fields.read("podSelector", lambda field: understood(field, decode_selector), EVERYTHING)
    closed = closed or spec.problems.undecided > undecided
    rules = {way: _rules(fields, way, metadata.namespace, closed=closed) for way in Direction}
    return Policy(
        "NetworkPolicy",
        f"{metadata.namespace}/{metadata.name}",
        Tier.NETWORK_POLICY,
        0,
        PodsPeer(OneNamespace(metadata.namespace), pods),
        rules[Direction.INGRESS] if Direction.INGRESS in ways else None,
        rules[Direction.EGRESS] if Direction.EGRESS in ways else None,
        metadata.generation,
        metadata.place,
    )


def _directions(fields: ObjectCursor, *, closed: bool) -> set[Direction]:
    """Return the policyTypes; without them Ingress, and Egress if there are egress rules.

    A misspelt policyTypes may have said both.
    """
    stated = fields.items("policyTypes", 0, len(_POLICY_TYPES))
    if stated:
        return {way for item in stated if (way := item.choice(_POLICY_TYPES)) is not None}
    egress = fields.get("egress")
    has_egress = closed or (egress is not None and bool(egress.value))
    return {Direction.INGRESS, Direction.EGRESS} if has_egress else {Direction.INGRESS}


def _rules(
    fields: ObjectCursor, way: Direction, namespace: str, *, closed: bool
) -> tuple[PolicyRule, ...]:
    items = fields.items(way.value)
    found = (_rule(item, way, namespace, closed=closed) for item in items)
    return tuple(rule for rule in found if rule is not None)


def _rule(field: Cursor, way: Direction, namespace: str, *, closed: bool) -> PolicyRule | None:
    before = field.problems.unknowns
    peers_name = PEERS_FIELD[way]
    fields = field.fields(peers_name, "ports")
    if fields is None:
        return None
    if field.value is None:
        field.warning("null is read as {}, which allows everything", "the API reads it so")
    closed = closed or field.problems.unknowns > before
    peers = fields.items(peers_name)
    ports = fields.items("ports")
    known_peers: tuple[Peer, ...] = _known(
        peers, lambda item: decode_network_policy_peer(item, namespace)
    )
    known_ports: tuple[PolicyPort, ...] = _known(ports, decode_network_policy_port)
    if closed:
        return PolicyRule(Action.ACCEPT, (), None, "", field.place)
    return PolicyRule(
        Action.ACCEPT,
        known_peers if peers else None,
        known_ports if ports else None,
        "",
        field.place,
    )


def _known(items: tuple[Cursor, ...], decode: Callable[[Cursor], T | None]) -> tuple[T, ...]:
    """Return what is understood of a list, entry by entry."""
    found: list[T] = []
    for item in items:
        before = item.problems.unknowns
        value = decode(item)
        if value is not None and item.problems.unknowns == before:
            found.append(value)
    return tuple(found)
