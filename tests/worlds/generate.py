"""A whole world from one source of randomness."""

from __future__ import annotations

from random import Random

from oracle.cluster import read_address

from worlds.addresses import IPV4_OUTSIDE, IPV6_OUTSIDE
from worlds.chance import chance, count
from worlds.cluster import namespaces, nodes, plan, pods
from worlds.cluster_wide import (
    admin_network_policy,
    baseline_admin_network_policy,
    cluster_network_policy,
)
from worlds.network_policy import network_policy
from worlds.unknown import add_undecided, add_unknown
from worlds.world import SMALL, Manifest, Profile, World

_OTHER = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "red"}}


def seeded(seed: int, profile: Profile = SMALL) -> World:
    """Return the world of a seed; always the same one."""
    return generate(Random(seed), profile)  # noqa: S311 - reproducible, not secret


def generate(random: Random, profile: Profile = SMALL) -> World:
    """Return a random world, valid input for the strict front end unless the profile says else."""
    families = plan(random)
    node_items = nodes(random, profile, families)
    namespace_items = namespaces(random, profile)
    names = [item["metadata"]["name"] for item in namespace_items]
    pod_items = pods(random, profile, families, names, len(node_items))
    policies = _policies(random, profile, names, _addresses([*node_items, *pod_items]))
    if profile.unknown:
        for policy in policies:
            add_unknown(random, policy)
            add_undecided(random, policy)
    if chance(random, 0.1):
        namespace_items.pop()
    if profile.loose and chance(random, 0.05):
        node_items.pop()
    objects = [*node_items, *namespace_items, *pod_items, *policies]
    return World(_packed(random, objects), profile)


def _addresses(objects: list[Manifest]) -> list[str]:
    """Return all that CIDRs may be drawn around."""
    found = [item["address"] for node in objects for item in node["status"].get("addresses", [])]
    found = [item for item in found if "." in item or ":" in item]
    ips = (item["ip"] for pod in objects for item in pod["status"].get("podIPs", []))
    found += [str(read_address(item)) for item in ips]
    return list(dict.fromkeys([*found, *IPV4_OUTSIDE, *IPV6_OUTSIDE]))


def _policies(
    random: Random, profile: Profile, namespaces: list[str], addresses: list[str]
) -> list[Manifest]:
    """Return policies whose names, ordered, say nothing of the order in which they were made."""
    letters = "mbyekczawdqf"
    made = []
    for number in range(count(random, profile.cluster_policies)):
        name = letters[number % len(letters)] + (f"-{number}" if number >= len(letters) else "")
        kind = admin_network_policy if chance(random, 0.25) else cluster_network_policy
        made.append(kind(random, name, profile, addresses))
    if chance(random, 0.2):
        made.append(baseline_admin_network_policy(random, profile, addresses))
    for number in range(count(random, profile.network_policies)):
        namespace = random.choice(namespaces)
        made.append(network_policy(random, f"np-{number}", namespace, profile, addresses))
    return made


def _packed(random: Random, objects: list[Manifest]) -> tuple[Manifest, ...]:
    """Return the objects in another order, some of them in a List, beside one of another kind."""
    if chance(random, 0.5):
        random.shuffle(objects)
    if chance(random, 0.1):
        objects.append(_OTHER)
    if chance(random, 0.1):
        split = random.randint(0, len(objects))
        objects[split:] = [{"apiVersion": "v1", "kind": "List", "items": objects[split:]}]
    return tuple(objects)
