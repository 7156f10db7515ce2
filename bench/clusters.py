"""Clusters to measure with: the same objects for the same seed, on any machine.

Each is a stream of objects, so that the largest never stands in memory as a whole.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from objects import (
    Object,
    PodPlace,
    cluster_network_policy,
    namespace,
    network_policy,
    node,
    pod,
)

SEED = 3


@dataclass(frozen=True, slots=True)
class Cluster:
    """A workload: its objects, made anew at each call, and the node that is measured first."""

    name: str
    title: str
    node: str
    objects: Callable[[], Iterator[Object]]


def limits(scale: float = 1.0, *, dual: bool = False) -> Cluster:
    """Return (a), the limits that Kubernetes publishes ("Considerations for large clusters").

    5,000 nodes, 150,000 pods, 10,000 namespaces, 110 pods on a tenth of the nodes (the first is
    measured) and the rest of the pods on the other nodes; 10,000 NetworkPolicies of one to three
    rules and 100 ClusterNetworkPolicies. With ``dual``, every pod has an IPv6 address as well.
    """
    size = _Limits(
        nodes=_scaled(5_000, scale),
        namespaces=_scaled(10_000, scale),
        pods=_scaled(150_000, scale),
        policies=_scaled(10_000, scale),
        cluster_policies=_scaled(100, scale),
        dual=dual,
    )
    title = f"{size.pods:,} pods, Kubernetes' limits{', dual stack' if dual else ''}"
    return Cluster("a6" if dual else "a", title, _node(0), size.objects)


def medium(scale: float = 1.0) -> Cluster:
    """Return (m), like (a) but of 100 nodes, 10,000 pods, 1,050 policies, and dual stack."""
    size = _Limits(
        nodes=_scaled(100, scale),
        namespaces=_scaled(200, scale),
        pods=_scaled(10_000, scale),
        policies=_scaled(1_000, scale),
        cluster_policies=_scaled(50, scale),
        dual=True,
    )
    return Cluster("m", f"{size.pods:,} pods", _node(0), size.objects)


def namespaces(scale: float = 1.0) -> Cluster:
    """Return (b), 25,000 namespaces of 4 pods and 3 NetworkPolicies each, on 1,000 nodes.

    One policy denies all, one lets two of the pods talk, one opens a port to a namespace; this is
    the shape in which Antrea publishes what its controller needs.
    """
    count = _scaled(25_000, scale)
    title = f"{count:,} namespaces, {4 * count:,} pods, {3 * count:,} policies"
    return Cluster("b", title, _node(0), lambda: _namespaces(count, _scaled(1_000, scale)))


@dataclass(frozen=True, slots=True)
class Shape:
    """How (c) spreads its policies over the measured node's pods."""

    groups: int
    policies_each: int
    pods: int = 10_000
    local: int = 250
    classes: int = 100
    rules: int = 5
    ports: int = 3

    @property
    def policies(self) -> int:
        """The number of policies, all of them in force on the measured node."""
        return self.groups * self.policies_each


SHAPES = (
    Shape(1, 10),
    Shape(10, 1),
    Shape(5, 20),
    Shape(25, 20),
    Shape(50, 20),
    Shape(250, 40),
)
"""10 to 10,000 policies; 500 is the shape whose measurements others publish.

Ten policies for all pods alike need no look at the pod; ten that each have their own pods do, as
all larger numbers here.
"""

COMPARED = SHAPES[3]
"""The shape of 500 policies."""


def node_policies(shape: Shape = COMPARED) -> Cluster:
    """Return (c), 250 local pods in groups with many policies of 5 rules and 3 ports each."""
    title = f"{shape.local} pods, {shape.policies:,} policies"
    name = f"c{shape.policies}-{shape.groups}"
    return Cluster(name, title, _node(0), lambda: _node_policies(shape))


def own_labels(scale: float = 1.0) -> Cluster:
    """Return (d) 1: every pod with its own labels and its own policy, whose peer is another pod."""
    count = _scaled(5_000, scale)
    return Cluster("d1", f"{count:,} pods, each its policy", _node(0), lambda: _own_labels(count))


def nested_networks(scale: float = 1.0) -> Cluster:
    """Return (d) 2: thousands of CIDRs that overlap, most with exceptions, over ten policies."""
    count = _scaled(4_000, scale)
    return Cluster("d2", f"{count:,} CIDRs that overlap", _node(0), lambda: _nested(count))


def interleaved_ports(scale: float = 1.0) -> Cluster:
    """Return (d) 3: port ranges that interleave, each open to another class of pods."""
    count = _scaled(500, scale)
    return Cluster("d3", f"{count:,} port ranges", _node(0), lambda: _interleaved(count))


ADVERSARIAL = (own_labels, nested_networks, interleaved_ports)


def address(number: int) -> str:
    """Return the IPv4 address of the pod with that number, from 10.0.0.0/8 on."""
    return str(ipaddress.IPv4Address(0x0A000001 + number))


def class_label(number: int) -> dict[str, str]:
    """Return the label of a class of peers in (c) and (d)."""
    return {"class": f"class-{number}"}


def _scaled(count: int, scale: float) -> int:
    return max(2, round(count * scale))


def _node(number: int) -> str:
    return f"node-{number:04}"


def _namespace(number: int) -> str:
    return f"namespace-{number:05}"


def _nodes(count: int) -> Iterator[Object]:
    for number in range(count):
        yield node(_node(number), str(ipaddress.IPv4Address(0xAC100001 + number)))


def _dual(number: int) -> tuple[str, str]:
    return address(number), str(ipaddress.IPv6Address((0xFD00 << 112) + number + 1))


_FULL = 110  # pods on a full node
_APPS = ("web", "api", "worker", "cache", "db")
_TEAMS = 200


@dataclass(frozen=True, slots=True)
class _Limits:
    nodes: int
    namespaces: int
    pods: int
    policies: int
    cluster_policies: int
    dual: bool

    def objects(self) -> Iterator[Object]:
        random = Random(SEED)  # noqa: S311 - a workload, not a secret
        yield from _nodes(self.nodes)
        for number in range(self.namespaces):
            labels = {"team": f"team-{number % _TEAMS}", "env": "prod" if number % 3 else "test"}
            yield namespace(_namespace(number), labels)
        yield from self._pods(random)
        for number in range(self.policies):
            place = _namespace(random.randrange(self.namespaces))
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
                PodPlace(_namespace(home), name, _node(min(where, self.nodes - 1)), addresses),
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


def _namespaces(count: int, nodes: int) -> Iterator[Object]:
    yield from _nodes(nodes)
    for number in range(count):
        yield namespace(_namespace(number), {"group": f"group-{number % 100}"})
    for number in range(4 * count):
        labels = {"app": f"app-{number % 4}"}
        where = _node(number % nodes)
        place = PodPlace(_namespace(number // 4), f"pod-{number:06}", where, (address(number),))
        yield pod(place, labels)
    for number in range(count):
        for index, spec in enumerate(_small_namespace(number)):
            yield network_policy(_namespace(number), f"policy-{index}", spec)


def _small_namespace(number: int) -> Iterator[Mapping[str, object]]:
    yield {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    yield {
        "podSelector": {"matchLabels": {"app": "app-0"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "app-1"}}}]}],
        "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "app-2"}}}]}],
    }
    group = {"group": f"group-{number % 100}"}
    yield {
        "podSelector": {"matchLabels": {"app": "app-2"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [{"namespaceSelector": {"matchLabels": group}}], "ports": [{"port": 8080}]}
        ],
    }


_SPACE = _namespace(0)


@dataclass(frozen=True, slots=True)
class OpenTo:
    """What a rule of (c) opens its group's pods to."""

    peers: int
    ports: tuple[int, ...]


def shape_policies(shape: Shape) -> Iterator[tuple[int, tuple[OpenTo, ...]]]:
    """Return, for each policy of (c), the group that it selects and its rules."""
    random = Random(SEED)  # noqa: S311 - a workload, not a secret
    for number in range(shape.policies):
        rules = tuple(
            OpenTo(peers, tuple(random.sample(range(1, 10_000), shape.ports)))
            for peers in random.sample(range(shape.classes), shape.rules)
        )
        yield number % shape.groups, rules


def _node_policies(shape: Shape) -> Iterator[Object]:
    yield from _nodes(40)
    yield namespace(_SPACE, {})
    for number in range(shape.pods):
        labels = class_label(number % shape.classes)
        if number < shape.local:
            labels["group"] = f"group-{number % shape.groups}"
        where = _node(0 if number < shape.local else 1 + number % 39)
        place = PodPlace(_SPACE, f"pod-{number:05}", where, (address(number),))
        yield pod(place, labels)
    for number, (group, opened) in enumerate(shape_policies(shape)):
        rules = [
            {
                "from": [{"podSelector": {"matchLabels": class_label(rule.peers)}}],
                "ports": [{"port": port} for port in rule.ports],
            }
            for rule in opened
        ]
        spec = _ingress({"group": f"group-{group}"}, rules)
        yield network_policy(_SPACE, f"policy-{number:05}", spec)


def _ingress(
    labels: Mapping[str, str], rules: Sequence[Mapping[str, object]]
) -> Mapping[str, object]:
    return {
        "podSelector": {"matchLabels": labels},
        "policyTypes": ["Ingress"],
        "ingress": rules,
    }


def _crowd(count: int, local: int) -> Iterator[Object]:
    """Return so many pods of one namespace, each its own class, ``local`` of them on each node."""
    yield from _nodes(-(-count // local))
    yield namespace(_SPACE, {})
    for number in range(count):
        where = _node(number // local)
        place = PodPlace(_SPACE, f"pod-{number:05}", where, (address(number),))
        yield pod(place, class_label(number))


def _own_labels(count: int) -> Iterator[Object]:
    random = Random(SEED)  # noqa: S311 - a workload, not a secret
    yield from _crowd(count, min(count, 250))
    for number in range(count):
        peers = class_label(random.randrange(count))
        rule = {
            "from": [{"podSelector": {"matchLabels": peers}}],
            "ports": [{"port": 1 + number}],
        }
        yield network_policy(_SPACE, f"policy-{number:05}", _ingress(class_label(number), [rule]))


_POLICIES = 10  # over which (d) 2 and 3 spread


def _nested(count: int) -> Iterator[Object]:
    random = Random(SEED)  # noqa: S311 - a workload, not a secret
    yield from _crowd(_POLICIES, _POLICIES)
    for number in range(_POLICIES):
        rules = [
            {
                "from": [{"ipBlock": _nested_block(random)}],
                "ports": [{"port": random.choice(_WELL)}],
            }
            for _ in range(count // _POLICIES)
        ]
        yield network_policy(_SPACE, f"policy-{number}", _ingress({}, rules))


_WELL = (53, 80, 443, 8080)


def _nested_block(random: Random) -> Mapping[str, object]:
    length = random.randint(8, 28)
    outer = ipaddress.IPv4Network((random.randrange(1 << 30) << 2, length), strict=False)
    inner = ipaddress.IPv4Network((int(outer[random.randrange(4)]), length + 3), strict=False)
    return (
        {"cidr": str(outer), "except": [str(inner)]}
        if random.random() < 3 / 4
        else {"cidr": str(outer)}
    )


def _interleaved(count: int) -> Iterator[Object]:
    yield from _crowd(count, _POLICIES)
    for number in range(_POLICIES):
        rules = [
            {
                "from": [{"podSelector": {"matchLabels": class_label(index)}}],
                "ports": [{"port": 1_000 + 7 * index, "endPort": 1_050 + 7 * index + number}],
            }
            for index in range(count)
        ]
        yield network_policy(_SPACE, f"policy-{number}", _ingress({}, rules))
