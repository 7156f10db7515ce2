"""Pods, nodes and namespaces: the few fields in use of the hundreds that they have.

The structs cannot be part of a cycle, so the collector need not know of them (``gc=False``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct, field
from msgspec.json import Decoder

from ..model.snapshot import NAMESPACE_NAME_LABEL, Address, ContainerPort, Endpoint, Namespace, Node
from ..net import MAX_PORT, PORT_PROTOCOLS, Family, parse_status_address

_PROTOCOLS = {item.name: item for item in PORT_PROTOCOLS}
_ENDED = ("Succeeded", "Failed")
_DUAL = 2
_IPV4, _IPV6 = Family.IPV4, Family.IPV6
_PortKey = tuple[str, str, int]


class _Metadata(Struct, rename="camel", gc=False):
    name: str
    namespace: str | None = None
    labels: dict[str, str | None] | None = None
    deletion_timestamp: str | None = None


class _Port(Struct, rename="camel", gc=False):
    container_port: Annotated[int, Meta(ge=1, le=MAX_PORT)]
    name: str | None = None
    protocol: Literal["TCP", "UDP", "SCTP"] | None = None


class _Container(Struct, rename="camel", gc=False):
    ports: list[_Port] | None = None
    restart_policy: str | None = None


class _PodSpec(Struct, rename="camel", gc=False):
    node_name: str | None = None
    host_network: bool | None = None
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None


class _PodIP(Struct, gc=False):
    ip: str | None = None


class _PodStatus(Struct, gc=False):
    phase: str | None = None
    pod_ip: str | None = field(name="podIP", default=None)
    pod_ips: list[_PodIP] | None = field(name="podIPs", default=None)


class PodManifest(Struct, gc=False):
    """v1 Pod."""

    metadata: _Metadata
    spec: _PodSpec | None = None
    status: _PodStatus | None = None


class _NodeAddress(Struct, gc=False):
    address: str


class _NodeStatus(Struct, gc=False):
    addresses: list[_NodeAddress] | None = None


class NodeManifest(Struct, gc=False):
    """v1 Node."""

    metadata: _Metadata
    status: _NodeStatus | None = None


class NamespaceManifest(Struct, gc=False):
    """v1 Namespace."""

    metadata: _Metadata


class _ListedPod(PodManifest, tag_field="kind", tag="Pod", kw_only=True, gc=False):
    apiVersion: Literal["v1"]  # noqa: N815 - the API's name


class _ListedNode(NodeManifest, tag_field="kind", tag="Node", kw_only=True, gc=False):
    apiVersion: Literal["v1"]  # noqa: N815 - the API's name


class _ListedNamespace(
    NamespaceManifest, tag_field="kind", tag="Namespace", kw_only=True, gc=False
):
    apiVersion: Literal["v1"]  # noqa: N815 - the API's name


ListedItems = PodManifest | NodeManifest | NamespaceManifest
LISTED: Decoder[list[ListedItems]] = Decoder(list[_ListedPod | _ListedNode | _ListedNamespace])
"""Decodes a list of objects that say their kinds, if all of them are of these."""


class Pool:
    """Keeps one copy of equal labels and ports: replicas mostly have the same."""

    def __init__(self) -> None:
        """Start empty."""
        self._labels: dict[tuple[tuple[str, str | None], ...], dict[str, str]] = {}
        self._ports: dict[tuple[_PortKey, ...], tuple[ContainerPort, ...]] = {}

    def labels(self, labels: dict[str, str | None] | None) -> dict[str, str]:
        """Return an equal mapping, the same one for all."""
        if not labels:
            return {}
        key = tuple(labels.items())
        kept = self._labels.get(key)
        if kept is None:
            kept = self._labels[key] = _texts(labels)
        return kept

    def ports(self, spec: _PodSpec) -> tuple[ContainerPort, ...]:
        """Return the named ports of containers, and of init containers that keep running."""
        found = _named_ports(spec.containers or ())
        if spec.init_containers:
            running = [item for item in spec.init_containers if item.restart_policy == "Always"]
            found += _named_ports(running)
        if not found:
            return ()
        key = tuple(found)
        ports = self._ports.get(key)
        if ports is None:
            made = (ContainerPort(name, _PROTOCOLS[word], number) for name, word, number in found)
            ports = self._ports[key] = tuple(dict.fromkeys(made))
        return ports


def _texts(labels: dict[str, str | None] | None) -> dict[str, str]:
    """Return labels with ``""`` for null, as Go decodes it."""
    return {key: value or "" for key, value in (labels or {}).items()}


def _named_ports(containers: Sequence[_Container]) -> list[_PortKey]:
    return [
        (port.name, port.protocol or "TCP", port.container_port)
        for container in containers
        for port in container.ports or ()
        if port.name
    ]


def pod_addresses(pod: PodManifest) -> list[str]:
    """Return the addresses as written, each once; none if the pod is no endpoint.

    A pod that is being deleted counts until its phase says that it has ended.
    """
    status, spec = pod.status, pod.spec
    if status is None or status.phase in _ENDED or (spec is not None and spec.host_network):
        return []
    found = [item.ip for item in status.pod_ips or () if item.ip]
    if status.pod_ip and status.pod_ip not in found:
        found.append(status.pod_ip)
    return found


def why_no_endpoint(pod: PodManifest) -> str:
    """Return why a pod without addresses to judge is no endpoint, in words that follow 'pods'."""
    if pod.spec is not None and pod.spec.host_network:
        return "on the host's network"
    if pod.status is not None and pod.status.phase in _ENDED:
        return "that ended"
    return "without an IP"


def written_addresses(pod: PodManifest) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Return every address in the status with its path there."""
    status = pod.status or _PodStatus()
    if status.pod_ip:
        yield ("podIP",), status.pod_ip
    for index, item in enumerate(status.pod_ips or ()):
        if item.ip:
            yield ("podIPs", index, "ip"), item.ip


def make_endpoint(pod: PodManifest, addresses: list[str], pool: Pool) -> Endpoint:
    """Return the endpoint of a pod with these addresses; ValueError if one is not an IP."""
    spec = pod.spec or _PodSpec()
    return Endpoint(
        pod.metadata.namespace or "default",
        pod.metadata.name,
        spec.node_name or "",
        pool.labels(pod.metadata.labels),
        _addresses(addresses),
        pool.ports(spec),
    )


def _addresses(texts: list[str]) -> tuple[Address, ...]:
    """Return the addresses in order; what nearly all pods have needs no sorting."""
    first = parse_status_address(texts[0])
    if len(texts) == 1:
        return (first,)
    second = parse_status_address(texts[1])
    if len(texts) == _DUAL and first[0] is _IPV4 and second[0] is _IPV6:
        return (first, second)
    return tuple(sorted({parse_status_address(text) for text in texts}, key=_address_order))


def _address_order(address: Address) -> tuple[int, int]:
    return address[0].value, address[1]


def make_node(node: NodeManifest) -> Node:
    """Return the node with those of its addresses that are IPs, of whatever type."""
    found = set()
    for item in (node.status and node.status.addresses) or ():
        try:
            found.add(parse_status_address(item.address))
        except ValueError:
            continue  # host names are addresses too
    return Node(
        node.metadata.name, _texts(node.metadata.labels), tuple(sorted(found, key=_address_order))
    )


def make_namespace(namespace: NamespaceManifest) -> Namespace:
    """Return the namespace, with the label of its name."""
    name = namespace.metadata.name
    return Namespace(name, {**_texts(namespace.metadata.labels), NAMESPACE_NAME_LABEL: name})
