"""(c), one node's pods in groups, each with many policies of a few rules and ports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from clusters.naming import SEED, SPACE, address, class_label, ingress, node_name, nodes
from clusters.objects import Object, PodPlace, namespace, network_policy, pod


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


@dataclass(frozen=True, slots=True)
class OpenTo:
    """What a rule of (c) opens its group's pods to."""

    peers: int
    ports: tuple[int, ...]


def shape_policies(shape: Shape) -> Iterator[tuple[int, tuple[OpenTo, ...]]]:
    """Yield, for each policy of (c), the group that it selects and its rules."""
    random = Random(SEED)  # noqa: S311 - a workload, not a secret
    for number in range(shape.policies):
        rules = tuple(
            OpenTo(peers, tuple(random.sample(range(1, 10_000), shape.ports)))
            for peers in random.sample(range(shape.classes), shape.rules)
        )
        yield number % shape.groups, rules


def shape_objects(shape: Shape) -> Iterator[Object]:
    """Yield the objects of (c): its nodes, its one namespace, its pods and policies."""
    yield from nodes(40)
    yield namespace(SPACE, {})
    for number in range(shape.pods):
        labels = class_label(number % shape.classes)
        if number < shape.local:
            labels["group"] = f"group-{number % shape.groups}"
        where = node_name(0 if number < shape.local else 1 + number % 39)
        place = PodPlace(SPACE, f"pod-{number:05}", where, (address(number),))
        yield pod(place, labels)
    for number, (group, opened) in enumerate(shape_policies(shape)):
        rules = [
            {
                "from": [{"podSelector": {"matchLabels": class_label(rule.peers)}}],
                "ports": [{"port": port} for port in rule.ports],
            }
            for rule in opened
        ]
        spec = ingress({"group": f"group-{group}"}, rules)
        yield network_policy(SPACE, f"policy-{number:05}", spec)
