"""Random NetworkPolicies."""

from __future__ import annotations

from random import Random

from worlds.addresses import ip_block
from worlds.chance import chance, count, some
from worlds.labels import namespace_selector, pod_selector
from worlds.ports import network_policy_port
from worlds.world import Manifest, Profile


def network_policy(
    random: Random, name: str, namespace: str, profile: Profile, addresses: list[str]
) -> Manifest:
    """Return a NetworkPolicy of one or both types, or of those that its lists imply."""
    spec: Manifest = {"podSelector": pod_selector(random)}
    if chance(random, 0.7):
        spec["policyTypes"] = some(random, ["Ingress", "Egress"], 1, 2)
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        if chance(random, 0.8):
            rules = range(count(random, profile.rules))
            spec[direction] = [_rule(random, peers, addresses) for _ in rules]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def _rule(random: Random, peers: str, addresses: list[str]) -> Manifest:
    rule: Manifest = {}
    if chance(random, 0.8):
        rule[peers] = [_peer(random, addresses) for _ in range(random.randint(0, 3))]
    if chance(random, 0.6):
        rule["ports"] = [network_policy_port(random) for _ in range(random.randint(0, 3))]
    return rule


def _peer(random: Random, addresses: list[str]) -> Manifest:
    kind = random.random()
    if kind > 0.7:
        return {"ipBlock": ip_block(random, addresses)}
    if kind > 0.5:
        return {
            "namespaceSelector": namespace_selector(random),
            "podSelector": pod_selector(random),
        }
    if kind > 0.25:
        return {"namespaceSelector": namespace_selector(random)}
    return {"podSelector": pod_selector(random)}
