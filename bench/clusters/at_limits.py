"""(a), Kubernetes' limits: many nodes and pods, and what teams and administrators write."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from clusters.naming import SEED, address, namespace_name, node_name, nodes
from clusters.objects import (
    Object,
    PodPlace,
    cluster_network_policy,
    namespace,
    network_policy,
    pod,
)

_FULL = 110  # pods on a full node
_APPS = ("web", "api", "worker", "cache", "db")
_TEAMS = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """How many of everything there are, and whether a pod has an IPv6 address as well."""

    nodes: int
    namespaces: int
    pods: int
    policies: int
    cluster_policies: int
    dual: bool

    def objects(self) -> Iterator[Object]:
        """Yield the objects, the same each time."""
        random = Random(SEED)  # noqa: S311 - a workload, not a secret
        yield from nodes(self.nodes)
        for number in range(self.namespaces):
            labels = {"team": f"team-{number % _TEAMS}", "env": "prod" if number % 3 else "test"}
            yield namespace(namespace_name(number), labels)
        yield from self._pods(random)
        for number in range(self.policies):
            place = namespace_name(random.randrange(self.namespaces))
            yield network_policy(place, f"policy-{number}", _app_policy(random))
        for number in range(self.cluster_policies):
            tier = "Baseline" if number % 5 == 0 else "Admin"
            name = f"{tier.lower()}-{number}"
            yield cluster_network_policy(name, _guard_rail(random, tier, number))

    def _pods(self, random: Random) -> Iterator[Object]:
        full = max(1, self.nodes // 10)
        places = [number for number in range(full) for _ in range(_FULL)][: self.pods]
        rest = max(1, self.nodes - full)
        places += [full + number % rest for number in range(self.pods - len(places))]
        random.shuffle(places)
        for number, where in enumerate(places):
            home = number % self.namespaces
            app = _APPS[number // self.namespaces % len(_APPS)]
            labels = {
                "app": app,
                "pod-template-hash": f"{number % 9_973:x}",
                "version": f"v{number % 2}",
            }
            name = f"{app}-{number:06}"
            addresses = _dual(number) if self.dual else (address(number),)
            yield pod(
                PodPlace(
                    namespace_name(home), name, node_name(min(where, self.nodes - 1)), addresses
                ),
                labels,
            )


def _app_policy(random: Random) -> Mapping[str, object]:
    """Return what teams write: one app open to another, to a team, to a part of the network."""
    choices: Sequence[Mapping[str, object]] = (
        {"from": [{"podSelector": {"matchLabels": {"app": random.choice(_APPS)}}}]},
        {
            "from": [{"namespaceSelector": {"matchLabels": _team(random)}}],
            "ports": [{"port": 8080}, {"port": 9090}],
        },
        {
            "from": [{"ipBlock": {"cidr": f"172.{random.randrange(16, 32)}.0.0/16"}}],
            "ports": [{"port": "http"}, {"port": 30_000, "endPort": 30_999, "protocol": "UDP"}],
        },
    )
    spec: dict[str, object] = {
        "podSelector": {"matchLabels": {"app": random.choice(_APPS)}},
        "policyTypes": ["Ingress"],
        "ingress": random.sample(choices, random.randint(1, len(choices))),
    }
    if random.random() < 1 / 3:
        spec["policyTypes"] = ["Ingress", "Egress"]
        spec["egress"] = [
            {"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]},
            {"to": [{"podSelector": {}}, {"ipBlock": _INTERNET}], "ports": [{"port": 443}]},
        ]
    return spec


_INTERNET = {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "172.16.0.0/12"]}


def _team(random: Random) -> dict[str, str]:
    return {"team": f"team-{random.randrange(_TEAMS)}"}


def _guard_rail(random: Random, tier: str, priority: int) -> Mapping[str, object]:
    """Return what administrators write: rules between teams, some for every namespace."""
    everyone = priority % 10 == 0
    subject = {"matchLabels": _team(random)} if not everyone else {"matchLabels": {"env": "prod"}}
    actions = ["Accept", "Deny", "Deny" if tier == "Baseline" else "Pass"]
    return {
        "tier": tier,
        "priority": priority,
        "subject": {"namespaces": subject},
        "ingress": [
            {
                "name": f"{action.lower()}-{index}",
                "action": action,
                "from": [{"namespaces": {"matchLabels": _team(random)}} for _ in range(3)],
                "protocols": [{"tcp": {"destinationPort": {"number": 8_000 + 10 * index}}}],
            }
            for index, action in enumerate(actions)
        ],
        "egress": [
            {
                "name": "deny-metadata",
                "action": "Deny",
                "to": [{"networks": ["169.254.169.254/32"]}],
            }
        ],
    }


def _dual(number: int) -> tuple[str, str]:
    return address(number), str(ipaddress.IPv6Address((0xFD00 << 112) + number + 1))
