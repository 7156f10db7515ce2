"""Manifests of what a test cluster consists of, as an API server takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from netcluster import Pod, Topology

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Service:
    """A Service whose one endpoint is a pod: it leads from ``port`` to the pod's ``target``.

    It has both families and both TCP and UDP. With ``node_port`` it is a NodePort.
    """

    name: str
    pod: Pod
    cluster_ips: tuple[str, ...]
    target: int
    port: int = 80
    node_port: int | None = None
    local: bool = False
    """externalTrafficPolicy Local: a node leads to its own pods alone, without masquerading."""


def cluster(topology: Topology) -> Iterator[Manifest]:
    """Give the namespaces, nodes and pods of a topology; none of the pods on the host network."""
    for name in sorted({pod.namespace for pod in topology.pods}):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    for node in topology.nodes:
        addresses = [{"type": "InternalIP", "address": address} for address in node.addresses]
        yield {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": node.name},
            "status": {"addresses": addresses},
        }
    for pod in topology.pods:
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": pod.name,
                "namespace": pod.namespace,
                "labels": {"app": pod.name},
            },
            "spec": {
                "nodeName": pod.node,
                "hostNetwork": pod.host_network,
                "containers": [{"name": "main", "image": "x"}],
            },
            "status": {
                "phase": "Running",
                "podIP": pod.addresses[0],
                "podIPs": [{"ip": address} for address in pod.addresses],
            },
        }


def service(item: Service) -> Iterator[Manifest]:
    """Give a Service and its EndpointSlices, which no controller makes here."""
    yield _service(item)
    for address in item.pod.addresses:
        yield endpoint_slice(item, address)


def _service(item: Service) -> Manifest:
    spec: Manifest = {
        "clusterIP": item.cluster_ips[0],
        "clusterIPs": list(item.cluster_ips),
        "ipFamilyPolicy": "RequireDualStack" if len(item.cluster_ips) > 1 else "SingleStack",
        "ports": [_port(item, protocol) for protocol in ("TCP", "UDP")],
    }
    if item.node_port is not None:
        spec["type"] = "NodePort"
        spec["externalTrafficPolicy"] = "Local" if item.local else "Cluster"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": item.name, "namespace": item.pod.namespace},
        "spec": spec,
    }


def _port(item: Service, protocol: str) -> Mapping[str, Any]:
    port: Manifest = {
        "name": protocol.lower(),
        "protocol": protocol,
        "port": item.port,
        "targetPort": item.target,
    }
    return port if item.node_port is None else {**port, "nodePort": item.node_port}


def endpoint_slice(item: Service, address: str) -> Manifest:
    """Return the slice of a Service that has the endpoint with this address."""
    family = "IPv6" if ":" in address else "IPv4"
    endpoint = {
        "addresses": [address],
        "nodeName": item.pod.node,
        "conditions": {"ready": True},
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{item.name}-{family.lower()}",
            "namespace": item.pod.namespace,
            "labels": {"kubernetes.io/service-name": item.name},
        },
        "addressType": family,
        "endpoints": [endpoint],
        "ports": [
            {"name": protocol.lower(), "protocol": protocol, "port": item.target}
            for protocol in ("TCP", "UDP")
        ],
    }
