"""Objects as plain values, and what is read of them."""

from __future__ import annotations

import io
import json

import pytest
from cnpc.compiler.errors import InputError
from cnpc.compiler.manifests.load import Inputs, OnUnknown, load
from cnpc.compiler.manifests.text.render_problems import render

Manifest = dict[str, object]


def pod(name: str, *, spec: Manifest | None = None, **status: object) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
        "spec": {"nodeName": "n1", "containers": [{"name": "main"}]} | (spec or {}),
        "status": {"phase": "Running", "podIP": "10.0.0.1"} | status,
    }


def namespace(name: str, **labels: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def node(name: str, *addresses: str) -> Manifest:
    listed = [{"type": "InternalIP", "address": address} for address in addresses]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"addresses": listed},
    }


def policy(name: str, priority: int = 10, tier: str = "Admin") -> Manifest:
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": name},
        "spec": {"tier": tier, "priority": priority, "subject": {"namespaces": {}}},
    }


def listed(*items: object, kind: str = "List") -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"resourceVersion": ""}, "items": items}


def read(*objects: object, on_unknown: OnUnknown = OnUnknown.ERROR) -> Inputs:
    text = "\n".join(json.dumps(item) for item in objects)
    return load(["-"], stdin=io.BytesIO(text.encode()), on_unknown=on_unknown)


def faults(*objects: object) -> str:
    with pytest.raises(InputError) as caught:
        read(*objects)
    return render(caught.value.diagnostics)
