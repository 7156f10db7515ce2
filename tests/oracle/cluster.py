"""Who can be selected: endpoints, nodes and namespaces of the manifests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address

from oracle.flow import PROTOCOL_NUMBERS
from oracle.selectors import Labels, Manifest

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True, eq=False)
class Pod:
    """An endpoint; ``ports`` holds (name, protocol number, port number)."""

    namespace: str
    name: str
    node: str
    labels: Labels
    addresses: tuple[Address, ...]
    ports: tuple[tuple[str, int, int], ...]
    deleted: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A node with the IPs among its status addresses."""

    name: str
    labels: Labels
    addresses: tuple[Address, ...]

    def __str__(self) -> str:
        return f"node {self.name}"


@dataclass(slots=True)
class Cluster:
    """The objects of a snapshot; policies in the order of the manifests.

    ``contested`` are the addresses that nobody has, since several live pods claim them, and the
    nodes of those.
    """

    namespaces: dict[str, Labels] = field(default_factory=dict)
    contested: dict[Address, list[str]] = field(default_factory=dict)
    pods: list[Pod] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    policies: list[Manifest] = field(default_factory=list)

    def pod_at(self, address: Address) -> Pod | None:
        """Return the endpoint that has the address."""
        return next((pod for pod in self.pods if address in pod.addresses), None)

    def node_at(self, address: Address) -> Node | None:
        """Return the node that has the address."""
        return next((node for node in self.nodes if address in node.addresses), None)


def read_cluster(documents: Iterable[Manifest], *, fail_closed: bool = False) -> Cluster:
    """Return the cluster of the manifests; ValueError if two live pods share an IP.

    If that is to fail closed instead, neither has it.
    """
    cluster = Cluster()
    for document in _objects(documents):
        match document["kind"]:
            case "Namespace":
                name = document["metadata"]["name"]
                cluster.namespaces[name] = _namespace_labels(document)
            case "Pod" if is_endpoint(document):
                cluster.pods.append(_pod(document))
            case "Node":
                cluster.nodes.append(_node(document))
            case kind if kind.endswith("NetworkPolicy"):
                cluster.policies.append(document)
    for pod in cluster.pods:  # the namespace object may be missing
        cluster.namespaces.setdefault(pod.namespace, {"kubernetes.io/metadata.name": pod.namespace})
    _settle_addresses(cluster, fail_closed=fail_closed)
    return cluster


def _objects(documents: Iterable[Manifest]) -> Iterator[Manifest]:
    for document in documents:
        if document["kind"].endswith("List"):
            yield from _objects(document["items"])
        else:
            yield document


def _namespace_labels(document: Manifest) -> Labels:
    metadata = document["metadata"]
    return {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}


def is_endpoint(pod: Manifest) -> bool:
    """Tell whether a pod has an IP of its own and has not ended."""
    status = pod.get("status") or {}
    has_ip = bool(status.get("podIP") or status.get("podIPs"))
    own_network = not pod["spec"].get("hostNetwork")
    return has_ip and own_network and status.get("phase") not in ("Succeeded", "Failed")


def _pod(document: Manifest) -> Pod:
    metadata, spec, status = document["metadata"], document["spec"], document["status"]
    texts = [status.get("podIP"), *(item["ip"] for item in status.get("podIPs") or [])]
    return Pod(
        namespace=metadata.get("namespace", "default"),
        name=metadata["name"],
        node=spec.get("nodeName", ""),
        labels=metadata.get("labels") or {},
        addresses=tuple({read_address(text): None for text in texts if text}),
        ports=tuple(_named_ports(spec)),
        deleted=metadata.get("deletionTimestamp", ""),
    )


def _named_ports(spec: Manifest) -> Iterator[tuple[str, int, int]]:
    sidecars = [
        container
        for container in spec.get("initContainers") or []
        if container.get("restartPolicy") == "Always"
    ]
    for container in [*spec["containers"], *sidecars]:
        for port in container.get("ports") or []:
            if port.get("name"):
                protocol = PROTOCOL_NUMBERS[port.get("protocol", "TCP")]
                yield port["name"], protocol, port["containerPort"]


def _node(document: Manifest) -> Node:
    metadata = document["metadata"]
    addresses = (document.get("status") or {}).get("addresses") or []
    return Node(
        name=metadata["name"],
        labels=metadata.get("labels") or {},
        addresses=tuple(_ips(item["address"] for item in addresses)),
    )


def _ips(texts: Iterable[str]) -> Iterator[Address]:
    """Give the texts that are IPs; the rest are host names."""
    for text in texts:
        try:
            yield read_address(text)
        except ValueError:
            continue


def read_address(text: str) -> Address:
    """Return a pod's or node's address: leading zeros do not count, nor that IPv6 maps it."""
    head, colon, last = text.rpartition(":")
    if "." in last:
        last = ".".join(str(int(part)) if part.isdigit() else part for part in last.split("."))
    address = ip_address(head + colon + last)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _settle_addresses(cluster: Cluster, *, fail_closed: bool) -> None:
    """Leave each address to the pod that is not deleted, or deleted last."""
    owners: dict[Address, Pod] = {}
    for address in {address for pod in cluster.pods for address in pod.addresses}:
        claims = [pod for pod in cluster.pods if address in pod.addresses]
        last = max(pod.deleted or "not at all" for pod in claims)  # behind every year
        first, *others = [pod for pod in claims if (pod.deleted or "not at all") == last]
        if not others:
            owners[address] = first
        elif fail_closed:
            cluster.contested[address] = sorted({pod.node for pod in claims})
        else:
            raise ValueError(f"{first} and {others[0]} both have {address}")
    left = [
        replace(pod, addresses=tuple(item for item in pod.addresses if owners.get(item) is pod))
        for pod in cluster.pods
    ]
    cluster.pods = [pod for pod in left if pod.addresses]
