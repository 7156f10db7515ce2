"""Collects the snapshot, object by object, and what contradicts itself in it."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ..errors import Place
from ..net import format_address, parse_address
from ..snapshot import (
    NAMESPACE_NAME_LABEL,
    Address,
    Endpoint,
    Namespace,
    Node,
    Snapshot,
)
from .documents import Manifest
from .findings import Findings, path_text, quote
from .labels import is_dns_label
from .misfits import report_misfits
from .objects import (
    NamespaceManifest,
    NodeManifest,
    PodManifest,
    Pool,
    make_endpoint,
    make_namespace,
    make_node,
    pod_addresses,
    written_addresses,
)

T = TypeVar("T")
_PODS = msgspec.json.Decoder(PodManifest)
_NODES = msgspec.json.Decoder(NodeManifest)
_NAMESPACES = msgspec.json.Decoder(NamespaceManifest)


class Cluster:
    """The namespaces, nodes and endpoints that were read so far."""

    def __init__(self, findings: Findings) -> None:
        """Start empty."""
        self._findings = findings
        self._names: dict[tuple[str, str, str], Place] = {}
        self._namespaces: dict[str, Namespace] = {}
        self._nodes: dict[str, Node] = {}
        self._endpoints: list[tuple[Endpoint, Place]] = []
        self._pool = Pool()

    def claim(self, kind: str, namespace: str, name: str, place: Place) -> None:
        """Take a name; report an object that has it already."""
        first = self._names.setdefault((kind, namespace, name), place)
        if first is not place:
            full = f"{namespace}/{name}" if namespace else name
            self._findings.error(
                f"{kind} {quote(full)} is in the input twice",
                place.child("metadata", "name"),
                related=(first.child("metadata", "name"),),
            )

    def add_pod(self, manifest: Manifest) -> None:
        """Add the endpoint that a Pod may be."""
        pod = self._convert(manifest, _PODS)
        if pod is None:
            return
        self.claim("Pod", pod.metadata.namespace or "default", pod.metadata.name, manifest.place)
        addresses = pod_addresses(pod)
        if not addresses:
            return
        try:
            endpoint = make_endpoint(pod, addresses, self._pool)
        except ValueError:
            self._report_addresses(pod, manifest.place.child("status"))
            return
        self._endpoints.append((endpoint, manifest.place))

    def _report_addresses(self, pod: PodManifest, status: Place) -> None:
        for path, text in written_addresses(pod):
            try:
                parse_address(text)
            except ValueError as problem:
                place = status.child(*path)
                self._findings.error(f"{path_text(place.path)}: {problem}", place)

    def add_node(self, manifest: Manifest) -> None:
        """Add a Node."""
        node = self._convert(manifest, _NODES)
        if node is not None:
            self.claim("Node", "", node.metadata.name, manifest.place)
            self._nodes[node.metadata.name] = make_node(node)

    def add_namespace(self, manifest: Manifest) -> None:
        """Add a Namespace."""
        namespace = self._convert(manifest, _NAMESPACES)
        if namespace is None:
            return
        name, labels = namespace.metadata.name, namespace.metadata.labels or {}
        self.claim("Namespace", "", name, manifest.place)
        if not is_dns_label(name):
            self._findings.error(
                f"metadata.name: {quote(name)} is not a DNS label",
                manifest.place.child("metadata", "name"),
            )
        if labels.get(NAMESPACE_NAME_LABEL, name) != name:
            self._findings.error(
                f"the label {NAMESPACE_NAME_LABEL} must be the namespace's name, {quote(name)}",
                manifest.place.child("metadata", "labels", NAMESPACE_NAME_LABEL),
            )
        self._namespaces[name] = make_namespace(namespace)

    def _convert(self, manifest: Manifest, decoder: msgspec.json.Decoder[T]) -> T | None:
        try:
            return manifest.convert(decoder)
        except msgspec.ValidationError:
            report_misfits(
                decoder.type, manifest.plain(self._findings), manifest.place, self._findings
            )
        except msgspec.DecodeError as problem:
            self._findings.error(f"not JSON: {problem}", manifest.place)
        return None

    def finish(self) -> Snapshot:
        """Return the snapshot, after a report of what contradicts itself."""
        self._endpoints.sort(key=lambda item: (item[0].namespace, item[0].name))
        self._report_shared_addresses()
        self._add_missing_namespaces()
        return Snapshot(
            tuple(self._namespaces[name] for name in sorted(self._namespaces)),
            tuple(self._nodes[name] for name in sorted(self._nodes)),
            tuple(endpoint for endpoint, _ in self._endpoints),
        )

    def _report_shared_addresses(self) -> None:
        owners: dict[Address, tuple[Endpoint, Place]] = {}
        for item in self._endpoints:
            endpoint, place = item
            for address in endpoint.addresses:
                other, first = owners.setdefault(address, item)
                if other is not endpoint:
                    self._findings.error(
                        f"pods {other.namespace}/{other.name} and "
                        f"{endpoint.namespace}/{endpoint.name} both have the address "
                        f"{format_address(*address)}",
                        place.child("status", "podIP"),
                        "one of them may have ended: its phase is then Succeeded or Failed",
                        related=(first.child("status", "podIP"),),
                    )

    def _add_missing_namespaces(self) -> None:
        for endpoint, place in self._endpoints:
            name = endpoint.namespace
            if name not in self._namespaces:
                self._namespaces[name] = Namespace(name, {NAMESPACE_NAME_LABEL: name})
                self._findings.warning(
                    f"the namespace {quote(name)} of a pod is not in the input",
                    place.child("metadata", "namespace"),
                    f"it is taken to have only the label {NAMESPACE_NAME_LABEL}",
                )
