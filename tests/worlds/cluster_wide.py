"""Random ClusterNetworkPolicies, AdminNetworkPolicies and BaselineAdminNetworkPolicies."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from random import Random

from worlds.addresses import cidrs
from worlds.chance import chance, count
from worlds.labels import (
    namespace_peer_selector,
    namespace_selector,
    node_selector,
    pod_selector,
)
from worlds.ports import draft_port, protocol_entry
from worlds.world import Manifest, Profile

_GROUP = "policy.networking.k8s.io"
_PRIORITIES = (5, 0, 1, 10, 1000)
_RULE_NAMES = ("allow-dns", 'say "no"', "back\\slash", "ünïcödé", "x" * 100, "two\nlines", "#;{}")
_PEER_LISTS = {"ingress": "from", "egress": "to"}


def cluster_network_policy(
    random: Random, name: str, profile: Profile, addresses: list[str]
) -> Manifest:
    """Return a ClusterNetworkPolicy of either version, each rule in one spelling of ports.

    v1beta1 has neither ports in the draft's spelling nor host bits.
    """
    version = random.choice(["v1alpha2", "v1beta1"])
    beta = version == "v1beta1"
    tier = random.choice(["Admin", "Baseline"])
    spec = {"tier": tier, **_priority(random)}
    egress_peer = _egress_peer if tier == "Admin" else _baseline_peer

    def rule(direction: str) -> Manifest:
        draft = chance(random, 0.3) and not beta
        ports = ("ports", draft_port) if draft else ("protocols", protocol_entry)
        actions = ("Accept", "Deny", "Pass")
        peers = egress_peer if direction == "egress" else _ingress_peer
        made = _rule(random, direction, actions, ports, lambda: peers(random, addresses))
        return _without_host_bits(made) if beta else made

    return _policy(random, version, "ClusterNetworkPolicy", name, spec, profile, rule)


def admin_network_policy(
    random: Random, name: str, profile: Profile, addresses: list[str]
) -> Manifest:
    """Return an AdminNetworkPolicy, its peers in the first or the last spelling."""

    def rule(direction: str) -> Manifest:
        peers = _egress_peer if direction == "egress" else _ingress_peer
        return _rule(
            random,
            direction,
            ("Allow", "Deny", "Pass"),
            ("ports", draft_port),
            lambda: _wrapped(random, peers(random, addresses)),
        )

    spec = _priority(random)
    return _policy(random, "v1alpha1", "AdminNetworkPolicy", name, spec, profile, rule)


def baseline_admin_network_policy(
    random: Random, profile: Profile, addresses: list[str]
) -> Manifest:
    """Return the BaselineAdminNetworkPolicy, which has no Pass and no domainNames."""

    def rule(direction: str) -> Manifest:
        peers = _baseline_peer if direction == "egress" else _ingress_peer
        return _rule(
            random,
            direction,
            ("Allow", "Deny"),
            ("ports", draft_port),
            lambda: _wrapped(random, peers(random, addresses)),
        )

    kind = "BaselineAdminNetworkPolicy"
    return _policy(random, "v1alpha1", kind, "default", {}, profile, rule)


def _priority(random: Random) -> Manifest:
    return {"priority": random.choice(_PRIORITIES)}


def _policy(  # noqa: PLR0913, PLR0917 - what an object is made of
    random: Random,
    version: str,
    kind: str,
    name: str,
    spec: Manifest,
    profile: Profile,
    rule: Callable[[str], Manifest],
) -> Manifest:
    spec["subject"] = _subject(random)
    for direction in _PEER_LISTS:
        rules = [rule(direction) for _ in range(count(random, profile.rules))]
        if rules or chance(random, 0.1):
            spec[direction] = rules
    metadata: Manifest = {"name": name}
    if chance(random, 0.5):
        metadata["generation"] = random.randint(1, 9)
    return {"apiVersion": f"{_GROUP}/{version}", "kind": kind, "metadata": metadata, "spec": spec}


def _subject(random: Random) -> Manifest:
    if chance(random, 0.5):
        return {"pods": _pods(random, namespace_selector(random))}
    return {"namespaces": namespace_selector(random)}


def _pods(random: Random, namespaces: Manifest) -> Manifest:
    return {"namespaceSelector": namespaces, "podSelector": pod_selector(random)}


def _rule(
    random: Random,
    direction: str,
    actions: tuple[str, ...],
    ports: tuple[str, Callable[..., Manifest]],
    peer: Callable[[], Manifest],
) -> Manifest:
    rule: Manifest = {"action": random.choice(actions)}
    if chance(random, 0.3):
        rule["name"] = random.choice(_RULE_NAMES)
    peers = [peer() for _ in range(random.randint(1, 3))]
    if rule["action"] in ("Deny", "Pass"):
        peers = [{"namespaces": {}} if "domainNames" in item else item for item in peers]
    rule[_PEER_LISTS[direction]] = peers
    if chance(random, 0.5):
        has_ports = all(set(item) <= {"namespaces", "pods"} for item in peers)
        field, entry = ports
        rule[field] = [entry(random, named=has_ports) for _ in range(random.randint(1, 3))]
    return rule


def _without_host_bits(rule: Manifest) -> Manifest:
    for peer in rule.get("to", ()):
        if "networks" in peer:
            masked = (str(ip_network(item, strict=False)) for item in peer["networks"])
            peer["networks"] = list(dict.fromkeys(masked))
    return rule


def _ingress_peer(random: Random, _addresses: list[str]) -> Manifest:
    if chance(random, 0.5):
        return {"pods": _pods(random, namespace_peer_selector(random))}
    return {"namespaces": namespace_peer_selector(random)}


def _baseline_peer(random: Random, addresses: list[str]) -> Manifest:
    kind = random.random()
    if kind > 0.7:
        return {"networks": cidrs(random, addresses, 4)}
    if kind > 0.6:
        return {"nodes": node_selector(random)}
    return _ingress_peer(random, addresses)


def _egress_peer(random: Random, addresses: list[str]) -> Manifest:
    if chance(random, 0.05):
        return {"domainNames": ["*.example.com", "example.org"]}
    return _baseline_peer(random, addresses)


def _wrapped(random: Random, peer: Manifest) -> Manifest:
    """Return the peer in v1alpha1's first spelling, half of the time."""
    if not chance(random, 0.5):
        return peer
    if "namespaces" in peer:
        return {"namespaces": {"namespaceSelector": peer["namespaces"]}}
    if "pods" in peer:
        pods = peer["pods"]
        namespaces = {"namespaceSelector": pods["namespaceSelector"]}
        return {"pods": {"namespaces": namespaces, "podSelector": pods["podSelector"]}}
    return peer
