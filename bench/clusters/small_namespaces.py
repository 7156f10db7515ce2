"""(b), small namespaces: four pods and three NetworkPolicies each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clusters.naming import address, namespace_name, node_name, nodes
from clusters.objects import Object, PodPlace, namespace, network_policy, pod


def small_namespaces(count: int, spread: int) -> Iterator[Object]:
    """Yield so many namespaces, whose pods take turns on so many nodes."""
    yield from nodes(spread)
    for number in range(count):
        yield namespace(namespace_name(number), {"group": f"group-{number % 100}"})
    for number in range(4 * count):
        labels = {"app": f"app-{number % 4}"}
        where = node_name(number % spread)
        place = PodPlace(namespace_name(number // 4), f"pod-{number:06}", where, (address(number),))
        yield pod(place, labels)
    for number in range(count):
        for index, spec in enumerate(_small_namespace(number)):
            yield network_policy(namespace_name(number), f"policy-{index}", spec)


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
