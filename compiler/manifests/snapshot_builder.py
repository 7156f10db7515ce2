"""Builds the snapshot object by object, and reports contradictions within it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from ..errors import Place
from ..model.snapshot import NAMESPACE_NAME_LABEL, Contested, Endpoint, Namespace, Node, Snapshot
from ..net import parse_status_address
from .core_v1 import (
    ListedItems,
    NamespaceManifest,
    NodeManifest,
    PodManifest,
    Pool,
    make_endpoint,
    make_namespace,
    make_node,
    pod_addresses,
    why_no_endpoint,
    written_addresses,
)
from .labels import is_dns_label, is_subdomain
from .problems import OnUnknown, Problems, path_text, quote, report_misfits
from .shared_addresses import AddressClaims
from .text.documents import Manifest


class Places:
    """Gives out numbers, and says of which place each is."""

    def __init__(self) -> None:
        """Start empty, from number 0."""
        self._starts: list[int] = []
        self._runs: list[Place] = []
        self._count = 0

    def add(self, first: Place, count: int = 1) -> int:
        """Return the number of the first of so many places; the others are the items after it."""
        number = self._count
        self._starts.append(number)
        self._runs.append(first)
        self._count += count
        return number

    def __getitem__(self, number: int) -> Place:
        """Return the place with a number that was given out."""
        run = bisect_right(self._starts, number) - 1
        first, after = self._runs[run], number - self._starts[run]
        if not after:
            return first
        *path, index = first.path
        return Place(first.source, first.document, (*path, int(index) + after))


_DECODERS: Mapping[str, msgspec.json.Decoder[ListedItems]] = {
    "Pod": msgspec.json.Decoder(PodManifest),
    "Node": msgspec.json.Decoder(NodeManifest),
    "Namespace": msgspec.json.Decoder(NamespaceManifest),
}
_NAME = attrgetter("name")


class SnapshotBuilder:
    """The namespaces, nodes and endpoints that were read so far."""

    def __init__(self, problems: Problems) -> None:
        """Start empty."""
        self._problems = problems
        self._places = Places()
        self._names: dict[tuple[str, str, str], int] = {}
        self._namespaces: dict[str, Namespace] = {}
        self._nodes: dict[str, Node] = {}
        self._endpoints: defaultdict[str, list[Endpoint]] = defaultdict(list)
        self._addresses: set[int] = set()
        self._deleted_at: dict[tuple[str, str], str] = {}
        self._shared = False
        self.no_endpoints: dict[str, list[str]] = {}
        self._pool = Pool()

    def claim(self, kind: str, namespace: str, name: str, place: Place) -> None:
        """Take a name; report an object that has it already."""
        self._claim(kind, namespace, name, self._places.add(place))

    def _claim(self, kind: str, namespace: str, name: str, number: int) -> bool:
        """Tell whether the name was free."""
        first = self._names.setdefault((kind, namespace, name), number)
        if first == number:
            return True
        full = f"{namespace}/{name}" if namespace else name
        self._problems.error(
            f"{kind} {quote(full)} is in the input twice",
            self._places[number].child("metadata", "name"),
            related=(self._places[first].child("metadata", "name"),),
        )
        return False

    def add(self, manifest: Manifest) -> None:
        """Add a Pod, Node or Namespace, or report what is wrong with it."""
        decoder = _DECODERS[manifest.type_name.kind]
        item = self._convert(manifest, decoder)
        if item is not None:
            self.add_listed([item], manifest.place)

    def add_listed(self, items: Sequence[ListedItems], first: Place) -> None:
        """Add items of a list, the first of which is at that place."""
        for number, item in enumerate(items, self._places.add(first, len(items))):
            match item:
                case PodManifest():
                    self._add_pod(item, number)
                case NodeManifest():
                    self._add_node(item, number)
                case NamespaceManifest():
                    self._add_namespace(item, number)

    def _add_pod(self, pod: PodManifest, number: int) -> None:
        """Add the endpoint that a Pod may be."""
        metadata = pod.metadata
        is_new = self._claim("Pod", metadata.namespace or "default", metadata.name, number)
        addresses = pod_addresses(pod)
        if not addresses:
            self._leave_out(pod, why_no_endpoint(pod))
            return
        try:
            endpoint = make_endpoint(pod, addresses, self._pool)
        except ValueError:
            addresses = self._valid_addresses(pod, self._places[number].child("status"))
            if not addresses:
                self._leave_out(pod, "whose IP cannot be read")
                return
            endpoint = make_endpoint(pod, addresses, self._pool)
        if is_new:
            self._add_endpoint(endpoint, metadata.deletion_timestamp)

    def _leave_out(self, pod: PodManifest, why: str) -> None:
        name = f"{pod.metadata.namespace or 'default'}/{pod.metadata.name}"
        self.no_endpoints.setdefault(why, []).append(name)

    def _add_endpoint(self, endpoint: Endpoint, deleted_at: str | None) -> None:
        self._endpoints[endpoint.namespace].append(endpoint)
        if deleted_at:
            self._deleted_at[endpoint.namespace, endpoint.name] = deleted_at
        for _, address in endpoint.addresses:
            self._shared = self._shared or address in self._addresses
            self._addresses.add(address)

    def _valid_addresses(self, pod: PodManifest, status: Place) -> list[str]:
        """Return those of the addresses that are IPs, and report the others."""
        valid: dict[str, None] = {}
        for path, text in written_addresses(pod):
            try:
                parse_status_address(text)
            except ValueError as problem:
                place = status.child(*path)
                message = f"{path_text(place.path)}: {problem}"
                if self._problems.on_unknown is OnUnknown.ERROR:
                    self._problems.error(message, place)
                else:
                    hint = "no policy can judge packets of an address that nobody knows"
                    self._problems.warning(message, place, hint)
            else:
                valid[text] = None
        return list(valid)

    def _add_node(self, node: NodeManifest, number: int) -> None:
        name = node.metadata.name
        self._claim("Node", "", name, number)
        if not is_subdomain(name):
            place = self._places[number].child("metadata", "name")
            self._problems.error(f"metadata.name: {quote(name)} is not a DNS subdomain", place)
        self._nodes[name] = make_node(node)

    def _add_namespace(self, namespace: NamespaceManifest, number: int) -> None:
        name, labels = namespace.metadata.name, namespace.metadata.labels or {}
        self._claim("Namespace", "", name, number)
        if not is_dns_label(name):
            self._problems.error(
                f"metadata.name: {quote(name)} is not a DNS label",
                self._places[number].child("metadata", "name"),
            )
        if labels.get(NAMESPACE_NAME_LABEL, name) != name:
            self._problems.error(
                f"the label {NAMESPACE_NAME_LABEL} must be the namespace's name, {quote(name)}",
                self._places[number].child("metadata", "labels", NAMESPACE_NAME_LABEL),
            )
        self._namespaces[name] = make_namespace(namespace)

    def _convert(
        self, manifest: Manifest, decoder: msgspec.json.Decoder[ListedItems]
    ) -> ListedItems | None:
        try:
            return manifest.convert(decoder)
        except msgspec.ValidationError:
            report_misfits(
                decoder.type, manifest.plain(self._problems), manifest.place, self._problems
            )
        except msgspec.DecodeError:  # half of a surrogate pair, which Python's parser takes
            return self._convert(replace(manifest, value=manifest.plain(self._problems)), decoder)
        return None

    def finish(self) -> Snapshot:
        """Return the snapshot, after a report of what contradicts itself."""
        endpoints = [
            endpoint
            for namespace in sorted(self._endpoints)
            for endpoint in sorted(self._endpoints[namespace], key=_NAME)
        ]
        self._check_node_names(endpoints)
        self._add_missing_namespaces()
        claims = AddressClaims(self._problems, self._deleted_at, self._place)
        if self._shared:
            endpoints = claims.settle(endpoints)
        return Snapshot(
            tuple(self._namespaces[name] for name in sorted(self._namespaces)),
            tuple(self._nodes[name] for name in sorted(self._nodes)),
            tuple(endpoints),
            tuple(sorted(claims.contested, key=_contested_order)),
        )

    def _place(self, endpoint: Endpoint) -> Place:
        return self._places[self._names["Pod", endpoint.namespace, endpoint.name]]

    def _check_node_names(self, endpoints: Iterable[Endpoint]) -> None:
        """Report nodes that only pods name and that cannot be: files are named after nodes."""
        known = {"", *self._nodes}
        for endpoint in endpoints:
            if endpoint.node not in known:
                known.add(endpoint.node)
                if not is_subdomain(endpoint.node):
                    place = self._place(endpoint).child("spec", "nodeName")
                    message = f"spec.nodeName: {quote(endpoint.node)} is not a DNS subdomain"
                    self._problems.error(message, place)

    def _add_missing_namespaces(self) -> None:
        for name in sorted(self._endpoints):
            if name not in self._namespaces:
                endpoint = min(self._endpoints[name], key=_NAME)
                place = self._place(endpoint).child("metadata", "namespace")
                self._namespaces[name] = Namespace(name, {NAMESPACE_NAME_LABEL: name})
                if not is_dns_label(name):
                    message = f"metadata.namespace: {quote(name)} is not a DNS label"
                    self._problems.error(message, place)
                    continue
                self._problems.warning(
                    f"the namespace {quote(name)} of a pod is not in the input",
                    place,
                    f"it is taken to have only the label {NAMESPACE_NAME_LABEL}",
                )


def _contested_order(item: Contested) -> tuple[str, int, int]:
    node, (family, address) = item
    return node, family.value, address
