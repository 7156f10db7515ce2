"""The three policy APIs read into one form: tier, priority, subject, and rules as written."""

from __future__ import annotations

from dataclasses import dataclass

from oracle.flow import Direction
from oracle.selectors import Manifest, decided_part, is_decided

ACTIONS = {"Accept": "Accept", "Allow": "Accept", "Deny": "Deny", "Pass": "Pass"}
PEER_LISTS = {"ingress": "from", "egress": "to"}
PEER_FIELDS = {
    "ingress": {"namespaces", "pods"},
    "egress": {"namespaces", "pods", "nodes", "networks", "domainNames"},
}
RULE_FIELDS = {"name", "action", "from", "to", "protocols", "ports"}
NETWORK_RULE_FIELDS = {"from", "to", "ports"}
SELECTOR_FIELDS = {"matchLabels", "matchExpressions"}
NAMESPACE_FIELDS = SELECTOR_FIELDS | {"sameLabels", "notSameLabels"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a cluster policy; ``peers`` or ``protocols`` None matches anything."""

    index: int
    name: str
    action: str
    peers: list[Manifest] | None
    protocols: list[Manifest] | None


@dataclass(frozen=True, slots=True)
class ClusterPolicy:
    """A ClusterNetworkPolicy, AdminNetworkPolicy or BaselineAdminNetworkPolicy."""

    tier: str
    priority: int
    name: str
    subject: Manifest
    ingress: list[Rule]
    egress: list[Rule]

    def rules(self, direction: Direction) -> list[Rule]:
        """Return the rules of one direction."""
        return self.ingress if direction == "ingress" else self.egress


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """A NetworkPolicy; ``ingress`` or ``egress`` None does not isolate that direction."""

    namespace: str
    name: str
    pods: Manifest
    ingress: list[tuple[int, Manifest]] | None
    egress: list[tuple[int, Manifest]] | None

    def rules(self, direction: Direction) -> list[tuple[int, Manifest]] | None:
        """Return the rules of one direction, each with its place in the list."""
        return self.ingress if direction == "ingress" else self.egress

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def cluster_policies(documents: list[Manifest], tier: str) -> list[ClusterPolicy]:
    """Return the policies of a tier, the first to judge first: by priority, then by name."""
    policies = [_cluster_policy(item) for item in documents if item["kind"] != "NetworkPolicy"]
    in_tier = [policy for policy in policies if policy.tier == tier]
    return sorted(in_tier, key=lambda policy: (policy.priority, policy.name))


def _cluster_policy(document: Manifest) -> ClusterPolicy:
    spec = document["spec"]
    match document["kind"]:
        case "ClusterNetworkPolicy":
            tier, priority = spec["tier"], spec["priority"]
        case "AdminNetworkPolicy":
            tier, priority = "Admin", spec["priority"]
        case "BaselineAdminNetworkPolicy":
            tier, priority = "Baseline", 0
    subject = _decided_subject(spec["subject"])
    fields = RULE_FIELDS
    if document["apiVersion"].endswith("/v1beta1"):
        fields = RULE_FIELDS - {"ports"}
    if subject != spec["subject"]:
        fields = set()  # no rule is understood
    return ClusterPolicy(
        tier=tier,
        priority=priority,
        name=document["metadata"]["name"],
        subject=subject,
        ingress=_rules(spec, "ingress", tier, fields),
        egress=_rules(spec, "egress", tier, fields),
    )


def _decided_subject(subject: Manifest) -> Manifest:
    """Return whom a policy may select, where it cannot be said whom it does."""
    if "namespaces" in subject:
        return {"namespaces": decided_part(subject["namespaces"])}
    return {"pods": {name: decided_part(item) for name, item in subject["pods"].items()}}


def _rules(spec: Manifest, direction: Direction, tier: str, fields: set[str]) -> list[Rule]:
    rules = []
    for index, item in enumerate(spec.get(direction) or []):
        peers = item[PEER_LISTS[direction]]
        protocols = item.get("protocols") or item.get("ports")
        name, action = item.get("name", ""), ACTIONS[item["action"]]
        if (
            fields
            and set(item) <= fields
            and all(_known_peer(peer, direction) for peer in peers)
            and (not _has_domain_names(peers) or (action, tier) == ("Accept", "Admin"))
            and all(_known_protocol(entry) for entry in protocols or [])
        ):
            rules.append(Rule(index, name, action, peers, protocols))
        elif action != "Accept":  # fail closed: an Accept matches nothing, others deny everything
            rules.append(Rule(index, name, "Deny", None, None))
    return rules


def _has_domain_names(peers: list[Manifest]) -> bool:
    return any("domainNames" in peer for peer in peers)


def _known_peer(peer: Manifest, direction: Direction) -> bool:
    """Tell whether exactly one field is set, and this API version knows all that is in it."""
    if len(peer) != 1 or not set(peer) <= PEER_FIELDS[direction]:
        return False
    ((kind, value),) = peer.items()
    match kind:
        case "namespaces":
            return _known_namespaces(value)
        case "nodes":
            return set(value) <= SELECTOR_FIELDS and is_decided(value)
        case "pods":
            namespaces = value.get("namespaceSelector", value.get("namespaces", {}))
            return (
                set(value) <= {"namespaceSelector", "namespaces", "podSelector"}
                and _known_namespaces(namespaces)
                and set(value.get("podSelector", {})) <= SELECTOR_FIELDS
                and is_decided(value.get("podSelector", {}))
            )
        case _:
            return True


def _known_namespaces(selector: Manifest) -> bool:
    if set(selector) == {"namespaceSelector"}:
        return _known_namespaces(selector["namespaceSelector"])
    return set(selector) <= NAMESPACE_FIELDS and is_decided(selector)


def _known_protocol(entry: Manifest) -> bool:
    """Tell whether exactly one field is set, and this API version knows all that is in it."""
    match entry:
        case {"destinationNamedPort": _} | {"namedPort": _}:
            return len(entry) == 1
        case {"portNumber": {"port": _} as value}:
            return len(entry) == 1 and set(value) <= {"protocol", "port"}
        case {"portRange": {"start": _, "end": _} as value}:
            return len(entry) == 1 and set(value) <= {"protocol", "start", "end"}
        case {"tcp": value} | {"udp": value} | {"sctp": value}:
            return len(entry) == 1 and set(value) == {"destinationPort"} and _known_port(value)
        case _:
            return False


def _known_port(value: Manifest) -> bool:
    port = value["destinationPort"]
    return set(port) == {"number"} or (
        set(port) == {"range"} and set(port["range"]) == {"start", "end"}
    )


def known_network_peer(peer: Manifest) -> bool:
    """Tell whether a NetworkPolicy's peer says something, all of which this version knows."""
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        known = len(peer) == 1 and set(block) <= {"cidr", "except"}
        return known and all(map(_is_clear, [block["cidr"], *(block.get("except") or [])]))
    selectors = {"namespaceSelector", "podSelector"}
    return (
        bool(peer)
        and set(peer) <= selectors
        and all(set(item) <= SELECTOR_FIELDS and is_decided(item) for item in peer.values())
    )


def _is_clear(cidr: str) -> bool:
    """Tell whether a CIDR has one reading: no leading zeros, no IPv4 address as an IPv6 one."""
    address, length = cidr.split("/")
    zeros = any(part != "0" and part.startswith("0") for part in [*address.split("."), length])
    return not zeros and not address.startswith("::ffff:")


def known_network_port(entry: Manifest) -> bool:
    """Tell whether this version knows all fields of a NetworkPolicy's port; none is any TCP."""
    return set(entry) <= {"protocol", "port", "endPort"}


def network_policies(documents: list[Manifest]) -> list[NetworkPolicy]:
    """Return the NetworkPolicies."""
    return [_network_policy(item) for item in documents if item["kind"] == "NetworkPolicy"]


def _network_policy(document: Manifest) -> NetworkPolicy:
    metadata, spec = document["metadata"], document["spec"]
    pods = spec.get("podSelector") or {}
    fields = NETWORK_RULE_FIELDS if is_decided(pods) else set()
    types = spec.get("policyTypes")
    if not types:  # the API's default: always Ingress, and Egress if there is an egress rule
        types = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    return NetworkPolicy(
        namespace=metadata.get("namespace", "default"),
        name=metadata["name"],
        pods=decided_part(pods),
        ingress=_network_rules(spec, "ingress", fields) if "Ingress" in types else None,
        egress=_network_rules(spec, "egress", fields) if "Egress" in types else None,
    )


def _network_rules(
    spec: Manifest, direction: Direction, fields: set[str]
) -> list[tuple[int, Manifest]]:
    """Return the rules with their places; one that is not understood matches nothing."""
    rules = [rule or {} for rule in spec.get(direction) or []]  # null is an empty rule
    return [(n, rule) for n, rule in enumerate(rules) if fields and set(rule) <= fields]
