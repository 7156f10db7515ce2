"""Clusters in which one thing is many: what ``growth`` doubles, a generator of objects for each."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random

from clusters.naming import SEED, SPACE, address, class_label, crowd, ingress, namespace_name, nodes
from clusters.objects import (
    Object,
    PodPlace,
    cluster_network_policy,
    namespace,
    network_policy,
    pod,
)

Make = Callable[[int], Iterable[Object]]
Spec = Mapping[str, object]

_PODS = 20
_WELL = (22, 53, 80, 443, 5432, 8080, 9090, 9100)


def _random() -> Random:
    return Random(SEED)  # noqa: S311 - a workload, not a secret


def _pods(count: int = _PODS) -> Iterator[Object]:
    return crowd(count, _PODS)


def _policy(rules: Iterable[Spec], name: str = "many", labels: Mapping[str, str] = {}) -> Object:
    return network_policy(SPACE, name, ingress(labels, list(rules)))


def _network(random: Random) -> ipaddress.IPv4Network:
    length = random.randint(12, 30)
    return ipaddress.IPv4Network((random.randrange(1 << 32), length), strict=False)


def _block(random: Random) -> Spec:
    return {"ipBlock": {"cidr": str(_network(random))}}


def _block_with_except(random: Random) -> Spec:
    outer = _network(random)
    inner = ipaddress.IPv4Network((int(outer[random.randrange(4)]), 32))
    return {"ipBlock": {"cidr": str(outer), "except": [str(inner)]}}


def _block6(random: Random) -> Spec:
    start = (0x2 << 124) + random.randrange(1 << 124)
    network = ipaddress.IPv6Network((start, random.randint(24, 64)), strict=False)
    return {"ipBlock": {"cidr": str(network)}}


def _one_rule(peer: Callable[[Random], Spec]) -> Make:
    def make(count: int) -> Iterator[Object]:
        random = _random()
        yield from _pods()
        yield _policy([{"from": [peer(random) for _ in range(count)]}])

    return make


def _rule_each(peer: Callable[[Random], Spec]) -> Make:
    def make(count: int) -> Iterator[Object]:
        random = _random()
        yield from _pods()
        yield _policy(
            {"from": [peer(random)], "ports": [{"port": random.choice(_WELL)}]}
            for _ in range(count)
        )

    return make


def _many_excepts(count: int) -> Iterator[Object]:
    random = _random()
    yield from _pods()
    holes = [f"10.{random.randrange(256)}.{random.randrange(256)}.0/28" for _ in range(count)]
    yield _policy([{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": holes}}]}])


def _ports(count: int) -> Iterator[Object]:
    yield from _pods()
    ports = [{"port": 1 + 3 * number} for number in range(count)]
    yield _policy([{"from": [{"podSelector": class_selector(3)}], "ports": ports}])


def _port_each(count: int) -> Iterator[Object]:
    yield from _pods()
    yield _policy(
        {"from": [{"podSelector": class_selector(number % _PODS)}], "ports": [{"port": 1 + number}]}
        for number in range(count)
    )


def _ranges(count: int) -> Iterator[Object]:
    yield from _pods()
    yield _policy(
        {
            "from": [{"podSelector": class_selector(number % _PODS)}],
            "ports": [{"port": 1 + number, "endPort": 40 + 2 * number}],
        }
        for number in range(count)
    )


def _selected_peers(count: int) -> Iterator[Object]:
    yield from _pods(count)
    yield _policy([{"from": [{"podSelector": class_selector(n)} for n in range(count)]}])


def class_selector(number: int) -> Spec:
    """Return the selector of the pods of one class."""
    return {"matchLabels": class_label(number)}


def _values(count: int) -> Iterator[Object]:
    yield from _pods(count)
    values = [class_label(number)["class"] for number in range(count)]
    expression = {"key": "class", "operator": "In", "values": values}
    yield _policy([{"from": [{"podSelector": {"matchExpressions": [expression]}}]}])


def _labels(count: int) -> Iterator[Object]:
    labels = {f"label-{number}": "yes" for number in range(count)}
    yield from nodes(1)
    yield namespace(SPACE, {})
    for number in range(_PODS):
        place = PodPlace(SPACE, f"pod-{number}", "node-0000", (address(number),))
        yield pod(place, {**labels, **class_label(number)})
    yield _policy([{"from": [{"podSelector": {"matchLabels": labels}}]}])


def _named_ports(count: int) -> Iterator[Object]:
    """Yield so many pods, each of which gives the name http to a port of its own."""
    yield from nodes(1)
    yield namespace(SPACE, {})
    for number in range(count):
        place = PodPlace(SPACE, f"pod-{number}", "node-0000", (address(number),))
        yield pod(place, class_label(number), 1 + number)
    spec = {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": {}}], "ports": [{"port": "http"}]}],
    }
    yield network_policy(SPACE, "named", spec)


def _policies(count: int) -> Iterator[Object]:
    yield from _pods()
    for number in range(count):
        rule = {
            "from": [{"podSelector": class_selector(number % _PODS)}],
            "ports": [{"port": 1 + number}],
        }
        yield _policy([rule], f"policy-{number:05}")


def _equal_priority(count: int) -> Iterator[Object]:
    yield from _pods()
    for number in range(count):
        rule = {
            "action": ("Accept", "Deny")[number % 2],
            "from": [{"pods": {"podSelector": class_selector(number % _PODS)}}],
            "protocols": [{"tcp": {"destinationPort": {"number": 1 + number}}}],
        }
        spec = {"tier": "Admin", "priority": 7, "subject": {"namespaces": {}}, "ingress": [rule]}
        yield cluster_network_policy(f"policy-{number:05}", spec)


def _namespaces(count: int) -> Iterator[Object]:
    yield from nodes(1)
    for number in range(count):
        space = namespace_name(number)
        yield namespace(space, {"team": f"team-{number % _PODS}"})
        place = PodPlace(space, "pod", "node-0000", (address(number),))
        yield pod(place, class_label(number))
        peers = {"namespaceSelector": {"matchLabels": {"team": f"team-{number % _PODS}"}}}
        yield network_policy(space, "team", ingress({}, [{"from": [peers]}]))


def _nodes(count: int) -> Iterator[Object]:
    yield from crowd(count, 1)
    peer = {"nodes": {"matchLabels": {"kubernetes.io/os": "linux"}}}
    spec = {
        "tier": "Admin",
        "priority": 7,
        "subject": {"namespaces": {}},
        "egress": [{"action": "Deny", "to": [peer]}],
    }
    yield cluster_network_policy("nodes", spec)


GROWING: Mapping[str, tuple[Make, int]] = {
    "networks of a rule": (_one_rule(_block), 25_000),
    "networks of a rule, IPv6": (_one_rule(_block6), 25_000),
    "networks of a rule, each with an exception": (_one_rule(_block_with_except), 25_000),
    "exceptions of a network": (_many_excepts, 10_000),
    "rules, each with a network and a port": (_rule_each(_block), 5_000),
    "rules, each with an IPv6 network and a port": (_rule_each(_block6), 5_000),
    "rules, each with a network, an exception, a port": (_rule_each(_block_with_except), 5_000),
    "ports of a rule": (_ports, 5_000),
    "rules, each with a port": (_port_each, 5_000),
    "rules, each with a range of ports": (_ranges, 2_000),
    "selected peers of a rule": (_selected_peers, 2_000),
    "values of a selector": (_values, 5_000),
    "labels of a pod": (_labels, 2_000),
    "pods that give a name to a port": (_named_ports, 2_000),
    "policies of a pod": (_policies, 1_000),
    "policies of one priority": (_equal_priority, 500),
    "namespaces": (_namespaces, 2_000),
    "nodes": (_nodes, 2_000),
}
"""What grows, and the smallest of three sizes."""
