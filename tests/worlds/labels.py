"""Labels and selectors over a vocabulary so small that selectors hit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from worlds.chance import chance, some
from worlds.world import Manifest

Vocabulary = Mapping[str, Sequence[str]]

NAMESPACE_NAMES = ("red", "blue", "green", "gold", "grey", "pink")
POD_LABELS: Vocabulary = {"app": ("a", "b", "c"), "tier": ("front", "back", "")}
NODE_LABELS: Vocabulary = {"rack": ("r1", "r2"), "kubernetes.io/os": ("linux",)}
NAMESPACE_LABELS: Vocabulary = {"tenant": ("x", "y"), "env": ("prod", "dev")}
SELECTABLE_NAMESPACE_LABELS: Vocabulary = {
    **NAMESPACE_LABELS,
    "kubernetes.io/metadata.name": NAMESPACE_NAMES,
}
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def labels(random: Random, vocabulary: Vocabulary) -> dict[str, str]:
    """Return a value for most of the keys."""
    return {
        key: random.choice(list(values))
        for key, values in vocabulary.items()
        if not chance(random, 0.3)
    }


def selector(random: Random, vocabulary: Vocabulary) -> Manifest:
    """Return a label selector; often the empty one."""
    result: dict[str, Any] = {}
    if chance(random, 0.35):
        keys = some(random, list(vocabulary), 0, 2)
        result["matchLabels"] = {key: random.choice(list(vocabulary[key])) for key in keys}
    if chance(random, 0.25):
        result["matchExpressions"] = [
            _expression(random, vocabulary) for _ in range(random.randint(0, 2))
        ]
    return result


def _expression(random: Random, vocabulary: Vocabulary) -> Manifest:
    key = random.choice(list(vocabulary))
    operator = random.choice(_OPERATORS)
    if operator in ("In", "NotIn"):
        values = some(random, [*vocabulary[key], "nowhere"], 1, 2)
        return {"key": key, "operator": operator, "values": values}
    return {"key": key, "operator": operator}


def pod_selector(random: Random) -> Manifest:
    """Return a selector of pods."""
    return selector(random, POD_LABELS)


def node_selector(random: Random) -> Manifest:
    """Return a selector of nodes."""
    return selector(random, NODE_LABELS)


def namespace_selector(random: Random) -> Manifest:
    """Return a plain selector of namespaces."""
    return selector(random, SELECTABLE_NAMESPACE_LABELS)


def namespace_peer_selector(random: Random) -> Manifest:
    """Return a selector of namespaces that may compare labels with the subject's namespace."""
    if chance(random, 0.2):
        keys = some(random, [*NAMESPACE_LABELS, "kubernetes.io/metadata.name"], 0, 2)
        return {random.choice(["sameLabels", "notSameLabels"]): keys}
    return namespace_selector(random)
