"""(d), what is hard: labels of each pod's own, CIDRs that overlap, port ranges that interleave."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from random import Random

from clusters.naming import SEED, SPACE, class_label, crowd, ingress
from clusters.objects import Object, network_policy


def own_labels(count: int) -> Iterator[Object]:
    """Yield so many pods, each its own class and open to one other."""
    random = Random(SEED)  # noqa: S311 - a workload, not a secret
    yield from crowd(count, min(count, 250))
    for number in range(count):
        peers = class_label(random.randrange(count))
        rule = {
            "from": [{"podSelector": {"matchLabels": peers}}],
            "ports": [{"port": 1 + number}],
        }
        yield network_policy(SPACE, f"policy-{number:05}", ingress(class_label(number), [rule]))


_POLICIES = 10  # over which (d) 2 and 3 spread


def nested_networks(count: int) -> Iterator[Object]:
    """Yield ten pods with ten policies of so many CIDRs in all."""
    random = Random(SEED)  # noqa: S311 - a workload, not a secret
    yield from crowd(_POLICIES, _POLICIES)
    for number in range(_POLICIES):
        rules = [
            {
                "from": [{"ipBlock": _nested_block(random)}],
                "ports": [{"port": random.choice(_WELL)}],
            }
            for _ in range(count // _POLICIES)
        ]
        yield network_policy(SPACE, f"policy-{number}", ingress({}, rules))


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


def interleaved_ports(count: int) -> Iterator[Object]:
    """Yield so many pods, and policies that open a range of ports to each of them."""
    yield from crowd(count, _POLICIES)
    for number in range(_POLICIES):
        rules = [
            {
                "from": [{"podSelector": {"matchLabels": class_label(index)}}],
                "ports": [{"port": 1_000 + 7 * index, "endPort": 1_050 + 7 * index + number}],
            }
            for index in range(count)
        ]
        yield network_policy(SPACE, f"policy-{number}", ingress({}, rules))
