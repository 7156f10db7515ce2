"""Kubernetes objects as the API server returns them: with all that no policy ever asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

Object = Mapping[str, object]

_TIME = "2026-05-05T08:05:00Z"
_INDENT = 4  # what ``kubectl get -o json`` indents by


@dataclass(frozen=True, slots=True)
class PodPlace:
    """Who a pod is and where it runs."""

    namespace: str
    name: str
    node: str
    addresses: tuple[str, ...]


def pod(place: PodPlace, labels: Mapping[str, str], port: int = 8080) -> Object:
    """Return a running pod of one container that names its port ``http``."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(place.name, labels, place.namespace),
        "spec": _pod_spec(place.node, port),
        "status": _pod_status(place.addresses),
    }


def namespace(name: str, labels: Mapping[str, str]) -> Object:
    """Return an active namespace."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": _metadata(name, {**labels, "kubernetes.io/metadata.name": name}),
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def node(name: str, address: str) -> Object:
    """Return a ready node with one address."""
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": _metadata(name, labels),
        "spec": {"providerID": f"kind://docker/kind/{name}"},
        "status": {
            "addresses": [
                {"address": address, "type": "InternalIP"},
                {"address": name, "type": "Hostname"},
            ],
            "conditions": [_condition("Ready")],
        },
    }


def network_policy(namespace: str, name: str, spec: Mapping[str, object]) -> Object:
    """Return a NetworkPolicy."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(name, {}, namespace),
        "spec": spec,
    }


def cluster_network_policy(name: str, spec: Mapping[str, object]) -> Object:
    """Return a ClusterNetworkPolicy."""
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": _metadata(name, {}),
        "spec": spec,
    }


def write_list(path: Path, objects: Iterable[Object]) -> None:
    """Write the objects as one List, as ``kubectl get -o json`` prints it."""
    with path.open("wb") as file:
        file.write(b'{\n    "apiVersion": "v1",\n    "items": [')
        separator = b"\n"
        for item in objects:
            file.write(separator + _indented(item))
            separator = b",\n"
        file.write(b'\n    ],\n    "kind": "List",\n    "metadata": {\n')
        file.write(b'        "resourceVersion": ""\n    }\n}\n')


def _indented(item: Object) -> bytes:
    text = msgspec.json.format(msgspec.json.encode(item, order="deterministic"), indent=_INDENT)
    margin = b" " * 2 * _INDENT
    return margin + text.replace(b"\n", b"\n" + margin)


def _metadata(name: str, labels: Mapping[str, str], namespace: str = "") -> dict[str, object]:
    metadata: dict[str, object] = {
        "creationTimestamp": _TIME,
        "name": name,
        "resourceVersion": "1234567",
        "uid": "6f4d3f0e-6f0b-4c0a-9a53-2f5a8d1a7c11",
    }
    if labels:
        metadata["labels"] = labels
    if namespace:
        metadata["namespace"] = namespace
    return metadata


_MOUNT = {
    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    "name": "kube-api-access-x7k2p",
    "readOnly": True,
}
_VOLUME = {
    "name": "kube-api-access-x7k2p",
    "projected": {
        "defaultMode": 420,
        "sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}],
    },
}


def _pod_spec(node: str, port: int) -> dict[str, object]:
    return {
        "containers": [
            {
                "image": "registry.example/server:1.27.3",
                "imagePullPolicy": "IfNotPresent",
                "name": "server",
                "ports": [{"containerPort": port, "name": "http", "protocol": "TCP"}],
                "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "100m"}},
                "terminationMessagePath": "/dev/termination-log",
                "volumeMounts": [_MOUNT],
            }
        ],
        "dnsPolicy": "ClusterFirst",
        "nodeName": node,
        "restartPolicy": "Always",
        "serviceAccountName": "default",
        "volumes": [_VOLUME],
    }


def _pod_status(addresses: Sequence[str]) -> dict[str, object]:
    return {
        "conditions": [_condition(kind) for kind in ("Initialized", "Ready", "PodScheduled")],
        "phase": "Running",
        "podIP": addresses[0],
        "podIPs": [{"ip": address} for address in addresses],
        "qosClass": "Burstable",
        "startTime": _TIME,
    }


def _condition(kind: str) -> dict[str, object]:
    return {"lastProbeTime": None, "lastTransitionTime": _TIME, "status": "True", "type": kind}
