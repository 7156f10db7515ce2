"""ClusterNetworkPolicy, AdminNetworkPolicy and BaselineAdminNetworkPolicy.

A rule with anything unknown fails closed as a whole, as the API comments say of "the rule":
an Accept matches nothing, a Deny or Pass denies everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ...model.policy import Action, Direction, PodsPeer, Policy, PolicyPort, PolicyRule, Tier
from ..cursor import Cursor, ObjectCursor, understood
from ..labels import Metadata, is_subdomain
from .peers import ADDRESSES, PEERS_FIELD, PeerForms, decode_peer, decode_subject
from .ports import decode_draft_port, decode_protocol_entry

_MAX_PRIORITY = 1000
_NO_NAMESPACE = "this changes nothing; 'subject' says whom it is for"
_MAX_RULE_NAME = 100
_TIERS = {tier.value: tier for tier in (Tier.ADMIN, Tier.BASELINE)}
_PORTS_HINTS = {"ports": "the spelling of drafts, which became 'protocols'"}

T = TypeVar("T")
PortDecoder = Callable[[Cursor], PolicyPort | None]


class Dialect(Struct, frozen=True):
    """What differs between the cluster-wide kinds; ``tier`` None means that the spec says it.

    ``limit`` is the most rules in a direction, and peers and ports in a rule.
    """

    kind: str
    tier: Tier | None
    has_priority: bool
    actions: Mapping[str, Action]
    limit: int
    ports: Mapping[str, PortDecoder]
    peers: PeerForms


CLUSTER_NETWORK_POLICY = Dialect(
    kind="ClusterNetworkPolicy",
    tier=None,
    has_priority=True,
    actions={action.value: action for action in Action},
    limit=25,
    ports={"protocols": decode_protocol_entry, "ports": decode_draft_port},
    peers=PeerForms(),
)
CLUSTER_NETWORK_POLICY_BETA = replace(
    CLUSTER_NETWORK_POLICY,
    ports={"protocols": decode_protocol_entry},
    peers=PeerForms(beta=True),
)
ADMIN_NETWORK_POLICY = Dialect(
    kind="AdminNetworkPolicy",
    tier=Tier.ADMIN,
    has_priority=True,
    actions={"Allow": Action.ACCEPT, "Deny": Action.DENY, "Pass": Action.PASS},
    limit=100,
    ports={"ports": decode_draft_port},
    peers=PeerForms(alpha1=True),
)
BASELINE_ADMIN_NETWORK_POLICY = Dialect(
    kind="BaselineAdminNetworkPolicy",
    tier=Tier.BASELINE,
    has_priority=False,
    actions={"Allow": Action.ACCEPT, "Deny": Action.DENY},
    limit=100,
    ports={"ports": decode_draft_port},
    peers=PeerForms(("namespaces", "pods", "networks", "nodes"), alpha1=True),
)


def _subject(dialect: Dialect) -> Callable[[Cursor], PodsPeer | None]:
    return lambda field: understood(field, lambda item: decode_subject(item, dialect.peers))


def decode_cluster_wide(
    dialect: Dialect, metadata: Metadata, spec: Cursor, *, closed: bool
) -> Policy | None:
    """Return the policy, or None after its errors were reported; ``closed``: every rule is."""
    _check_name(dialect, metadata)
    names = ("subject", "ingress", "egress")
    tier_names = () if dialect.tier else ("tier",)
    before = spec.problems.unknowns
    fields = spec.fields(*tier_names, *(("priority",) if dialect.has_priority else ()), *names)
    if fields is None:
        return None
    closed = closed or spec.problems.unknowns > before
    tier = dialect.tier or _required(fields, "tier", lambda field: field.choice(_TIERS))
    dialect = replace(dialect, tier=tier)
    priority = _priority(fields) if dialect.has_priority else 0
    undecided = spec.problems.undecided
    subject = _required(fields, "subject", _subject(dialect))
    closed = closed or spec.problems.undecided > undecided
    ingress, egress = (_rules(dialect, fields, way, closed=closed) for way in Direction)
    if tier is None or priority is None or subject is None:
        return None
    return Policy(
        dialect.kind,
        metadata.name,
        tier,
        priority,
        subject,
        ingress,
        egress,
        metadata.generation,
        metadata.place,
    )


def _check_name(dialect: Dialect, metadata: Metadata) -> None:
    if dialect.kind == "BaselineAdminNetworkPolicy" and metadata.name != "default":
        metadata.field.error("must be 'default', the only one that a cluster can have")
    elif not is_subdomain(metadata.name):
        metadata.report_name("a DNS subdomain")
    if metadata.namespace_field is not None:
        metadata.namespace_field.warning(
            f"a {dialect.kind} is for the whole cluster", _NO_NAMESPACE
        )


def _required(fields: ObjectCursor, name: str, look: Callable[[Cursor], T | None]) -> T | None:
    field = fields.require(name)
    return None if field is None else look(field)


def _priority(fields: ObjectCursor) -> int | None:
    return _required(fields, "priority", lambda field: field.integer(0, _MAX_PRIORITY))


def _rules(
    dialect: Dialect, fields: ObjectCursor, way: Direction, *, closed: bool
) -> tuple[PolicyRule, ...] | None:
    """Return the rules of a direction; none of them is the same as no such field."""
    items = fields.items(way.value, 0, dialect.limit)
    rules = tuple(rule for item in items if (rule := _rule(dialect, item, way, closed=closed)))
    return rules or None


def _rule(dialect: Dialect, field: Cursor, way: Direction, *, closed: bool) -> PolicyRule | None:
    before = field.problems.unknowns
    peers_name = PEERS_FIELD[way]
    fields = field.fields("name", "action", peers_name, *dialect.ports, hints=_PORTS_HINTS)
    if fields is None:
        return None
    name = fields.read("name", lambda item: item.string(_MAX_RULE_NAME), "")
    action = _required(fields, "action", lambda item: item.choice(dialect.actions))
    no_names = _no_domain_names(dialect.tier, action)
    peers_field = fields.require(peers_name)
    peers = [
        decode_peer(item, dialect.peers, way, no_names)
        for item in (() if peers_field is None else peers_field.items(1, dialect.limit))
    ]
    ports = _ports(dialect, fields)
    if way is Direction.EGRESS:
        _check_named_ports(field)
    if action is None:
        return None
    if closed or field.problems.unknowns > before:
        return _fail_closed(action, name, field)
    return PolicyRule(action, tuple(filter(None, peers)), ports, name, field.place)


def _no_domain_names(tier: Tier | None, action: Action | None) -> str:
    """Return why domain names cannot be in a rule, as the API's comments say; no schema does."""
    if action in (Action.DENY, Action.PASS):
        return f"can only be in a rule that accepts, not in a {action.value}"
    return "can only be in the Admin tier, not in Baseline" if tier is Tier.BASELINE else ""


def _ports(dialect: Dialect, fields: ObjectCursor) -> tuple[PolicyPort, ...] | None:
    spelling = fields.only(dialect.ports)
    if spelling is None:
        return None
    decode = dialect.ports[str(spelling.place.path[-1])]
    found = [decode(item) for item in spelling.items(1, dialect.limit)]
    return tuple(filter(None, found))


def _fail_closed(action: Action, name: str, field: Cursor) -> PolicyRule:
    if action is Action.ACCEPT:
        return PolicyRule(Action.ACCEPT, (), None, name, field.place)
    return PolicyRule(Action.DENY, None, None, name, field.place)


def _check_named_ports(rule: Cursor) -> None:
    """Report a port name beside peers that have no container ports (XValidation of the CRDs)."""
    entries = rule.value if isinstance(rule.value, dict) else {}
    peers = _field_names(entries.get("to"))
    ports = _field_names(entries.get("protocols")) | _field_names(entries.get("ports"))
    beside = [name for name in ADDRESSES if name in peers]
    if beside and ports & {"destinationNamedPort", "namedPort"}:
        rule.error(f"port names cannot be used with '{beside[0]}', which have no named ports")


def _field_names(items: object) -> set[str]:
    found: set[str] = set()
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            found.update(name for name, value in item.items() if value is not None)
    return found
