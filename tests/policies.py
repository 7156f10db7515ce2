"""Policies as manifests, and what is read of them."""

from __future__ import annotations

import io
import json

import pytest
from cnpc.compiler.errors import InputError
from cnpc.compiler.manifests.load import OnUnknown, load
from cnpc.compiler.model.policy import (
    Direction,
    LabelSelector,
    Operator,
    PodsPeer,
    Policy,
    PolicyRule,
    Requirement,
)
from cnpc.compiler.net import Family, Prefix

GROUP = "policy.networking.k8s.io"
ALL = PodsPeer(LabelSelector())
TEN = Prefix(Family.IPV4, 10 << 24, 8)
ANYONE: dict[str, object] = {"namespaces": {}}


def labels(**pairs: str) -> LabelSelector:
    return LabelSelector(
        tuple(Requirement(key, Operator.IN, (value,)) for key, value in sorted(pairs.items()))
    )


def read(item: dict[str, object], on_unknown: OnUnknown = OnUnknown.ERROR) -> Policy:
    data = io.BytesIO(json.dumps(item).encode())
    (policy,) = load(["-"], stdin=data, on_unknown=on_unknown).policies
    return policy


def closed(item: dict[str, object]) -> Policy:
    """Return the policy as it fails closed, once it is clear that it is an error otherwise."""
    with pytest.raises(InputError):
        read(item)
    data = io.BytesIO(json.dumps(item).encode())
    found = load(["-"], stdin=data, on_unknown=OnUnknown.FAIL_CLOSED)
    assert found.warnings
    return found.policies[0]


def cnp(version: str = "v1alpha2", **spec: object) -> dict[str, object]:
    return {
        "apiVersion": f"{GROUP}/{version}",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "p", "generation": 3, "managedFields": [{}]},
        "spec": {"tier": "Admin", "priority": 7, "subject": ANYONE} | spec,
        "status": {"conditions": []},
    }


def ingress(**rule: object) -> dict[str, object]:
    return cnp(ingress=[{"action": "Accept", "from": [ANYONE]} | rule])


def egress(*peers: object, **rule: object) -> dict[str, object]:
    return cnp(egress=[{"action": "Accept", "to": list(peers)} | rule])


def admin(kind: str = "AdminNetworkPolicy", **spec: object) -> dict[str, object]:
    priority = {"priority": 7} if kind == "AdminNetworkPolicy" else {}
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": kind,
        "metadata": {"name": "default"},
        "spec": {"subject": ANYONE} | priority | spec,
    }


def network_policy(**spec: object) -> dict[str, object]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": spec,
    }


def only(policy: Policy, way: Direction = Direction.INGRESS) -> PolicyRule:
    (rule,) = policy.rules(way) or ()
    return rule


def port(number: int) -> dict[str, object]:
    return {"destinationPort": {"number": number}}
