"""What all workloads share: names, addresses and labels by number, and pods of one namespace."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence

from clusters.objects import Object, PodPlace, namespace, node, pod

SEED = 3


def address(number: int) -> str:
    """Return the IPv4 address of the pod with that number, from 10.0.0.0/8 on."""
    return str(ipaddress.IPv4Address(0x0A000001 + number))


def class_label(number: int) -> dict[str, str]:
    """Return the label of a class of peers in (c) and (d)."""
    return {"class": f"class-{number}"}


def node_name(number: int) -> str:
    """Return the name of the node with that number."""
    return f"node-{number:04}"


def namespace_name(number: int) -> str:
    """Return the name of the namespace with that number."""
    return f"namespace-{number:05}"


def nodes(count: int) -> Iterator[Object]:
    """Yield so many nodes, each with an address in 172.16.0.0/12."""
    for number in range(count):
        yield node(node_name(number), str(ipaddress.IPv4Address(0xAC100001 + number)))


SPACE = namespace_name(0)
"""Where all pods of (c) and (d) are."""


def crowd(count: int, local: int) -> Iterator[Object]:
    """Yield so many pods of one namespace, each its own class, ``local`` of them on each node."""
    yield from nodes(-(-count // local))
    yield namespace(SPACE, {})
    for number in range(count):
        where = node_name(number // local)
        place = PodPlace(SPACE, f"pod-{number:05}", where, (address(number),))
        yield pod(place, class_label(number))


def ingress(
    labels: Mapping[str, str], rules: Sequence[Mapping[str, object]]
) -> Mapping[str, object]:
    """Return the spec of a NetworkPolicy that opens pods with these labels to so much."""
    return {
        "podSelector": {"matchLabels": labels},
        "policyTypes": ["Ingress"],
        "ingress": rules,
    }
