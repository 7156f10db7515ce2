"""Seeded clusters of any size, as kubectl would print them.

Namespaces belong to tenants and have a handful of applications, whose pods are spread over the
nodes; NetworkPolicies open each application to some others, and ClusterNetworkPolicies speak of
DNS, monitoring, tenants, networks and defaults.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]

CNP_VERSION = "policy.networking.k8s.io/v1alpha2"
_PODS_IN_NAMESPACE = 50
_TENANTS = 20
_APPS = ("web", "api", "db", "cache", "queue", "search", "mail", "jobs", "auth", "files")
_PODS4, _PODS6 = IPv4Address("10.0.0.0"), IPv6Address("fd00:10::")
_NODES4 = IPv4Address("172.16.0.0")


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a cluster is."""

    endpoints: int
    network_policies: int
    cluster_network_policies: int
    nodes: int

    @property
    def namespaces(self) -> int:
        """As many as hold the endpoints."""
        return -(-self.endpoints // _PODS_IN_NAMESPACE)


def write(path: Path, shape: Shape, seed: int = 0) -> None:
    """Write the cluster as one JSON List, which is YAML as well."""
    items = list(manifests(shape, seed))
    with path.open("w", encoding="utf-8") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": items}, file)


def manifests(shape: Shape, seed: int = 0) -> Iterator[Manifest]:
    """Give all objects of the cluster; the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - a workload, not a secret
    for number in range(shape.nodes):
        yield _node(number)
    for number in range(shape.namespaces):
        labels = {"tenant": f"tenant-{number % _TENANTS}", "env": dice.choice(("prod", "dev"))}
        yield _object("v1", "Namespace", {"name": f"ns-{number}", "labels": labels})
    for number in range(shape.endpoints):
        yield _pod(number, dice.randrange(shape.nodes))
    for number in range(shape.network_policies):
        yield _network_policy(number, shape, dice)
    for number in range(shape.cluster_network_policies):
        yield _cluster_network_policy(number, shape, dice)


def _object(version: str, kind: str, metadata: Manifest, **rest: Manifest) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def _node(number: int) -> Manifest:
    name = f"node-{number}"
    addresses = [
        {"type": "InternalIP", "address": str(_NODES4 + number + 1)},
        {"type": "Hostname", "address": name},
    ]
    metadata = {"name": name, "labels": {"zone": f"zone-{number % 3}"}}
    return _object("v1", "Node", metadata, status={"addresses": addresses})


def _pod(number: int, node: int) -> Manifest:
    app = _APPS[number % len(_APPS)]
    metadata = {
        "name": f"{app}-{number}",
        "namespace": f"ns-{number // _PODS_IN_NAMESPACE}",
        "labels": {"app": app, "pod-template-hash": f"{number % 977:x}"},
    }
    ports = [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}]
    ips = [{"ip": str(_PODS4 + number + 1)}, {"ip": str(_PODS6 + number + 1)}]
    spec = {"nodeName": f"node-{node}", "containers": [{"name": app, "ports": ports}]}
    status = {"phase": "Running", "podIP": ips[0]["ip"], "podIPs": ips}
    return _object("v1", "Pod", metadata, spec=spec, status=status)


def _network_policy(number: int, shape: Shape, dice: random.Random) -> Manifest:
    app = _APPS[dice.randrange(len(_APPS))]
    peers = [
        {"podSelector": {"matchLabels": {"app": dice.choice(_APPS)}}},
        {
            "namespaceSelector": {"matchLabels": {"tenant": f"tenant-{dice.randrange(_TENANTS)}"}},
            "podSelector": {"matchLabels": {"app": dice.choice(_APPS)}},
        },
        {"ipBlock": {"cidr": f"192.168.{dice.randrange(256)}.0/24"}},
    ]
    ports = [
        {"port": "http"},
        {"port": dice.randrange(1024, 9000)},
        {"port": 53, "protocol": "UDP"},
    ]
    rule = {"ports": ports[: dice.randrange(1, 4)]}
    spec: Manifest = {
        "podSelector": {"matchLabels": {"app": app}},
        "policyTypes": ["Ingress", "Egress"][: dice.randrange(1, 3)],
        "ingress": [{"from": dice.sample(peers, 2), **rule}],
    }
    if "Egress" in spec["policyTypes"]:
        spec["egress"] = [{"to": dice.sample(peers, 2), **rule}]
    metadata = {"name": f"np-{number}", "namespace": f"ns-{number % shape.namespaces}"}
    return _object("networking.k8s.io/v1", "NetworkPolicy", metadata, spec=spec)


def _cluster_network_policy(number: int, shape: Shape, dice: random.Random) -> Manifest:
    tenant = {"matchLabels": {"tenant": f"tenant-{number % _TENANTS}"}}
    everyone: Manifest = {"namespaces": {}}
    port = {"tcp": {"destinationPort": {"number": dice.randrange(1024, 9000)}}}
    span = {"udp": {"destinationPort": {"range": {"start": 5000, "end": 5000 + number + 1}}}}
    some = {
        "namespaceSelector": {"matchLabels": {"env": "prod"}},
        "podSelector": {"matchLabels": {"app": dice.choice(_APPS)}},
    }
    peer = {"namespaces": {"matchLabels": {"tenant": f"tenant-{dice.randrange(_TENANTS)}"}}}
    networks = [f"203.{dice.randrange(256)}.{dice.randrange(256)}.0/24" for _ in range(10)]
    zone = {"nodes": {"matchLabels": {"zone": f"zone-{number % 3}"}}}
    spec = {
        "tier": "Baseline" if number % 5 == 0 else "Admin",
        "priority": number % 1000,
        "subject": everyone if number % 10 == 0 else {"namespaces": tenant},
        "ingress": [
            {"action": "Accept", "from": [{"pods": some}], "protocols": [port, span]},
            {"action": "Deny", "from": [peer]},
        ],
        "egress": [
            {"action": "Accept", "to": [{"networks": networks}], "protocols": [port]},
            {"action": "Deny", "to": [zone], "protocols": [port, span]},
        ],
    }
    metadata = {"name": f"cnp-{number}-of-{shape.cluster_network_policies}"}
    return _object(CNP_VERSION, "ClusterNetworkPolicy", metadata, spec=spec)
