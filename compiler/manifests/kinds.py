"""Which objects are read, and by what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from ..errors import Place, Source
from ..model.policy import RESOURCE, Policy
from ..model.snapshot import Snapshot
from .core_v1 import LISTED
from .cursor import Cursor, ObjectCursor
from .labels import decode_metadata
from .policies.cluster_network_policy import (
    ADMIN_NETWORK_POLICY,
    BASELINE_ADMIN_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY_BETA,
    decode_cluster_wide,
)
from .policies.network_policy import decode_network_policy
from .policies.network_policy_fast import Doubtful, WellFormed
from .problems import Problems, one_of, quote
from .snapshot_builder import SnapshotBuilder
from .text.documents import Manifest, TypeName, read_items
from .text.kubectl_list import decode_items
from .text.not_manifests import answer_of_server

_GROUP = "policy.networking.k8s.io"
_NAMESAKES = ("ClusterNetworkPolicy", "CiliumNetworkPolicy")  # their short name is cnp as well
_KUSTOMIZE = "kustomize.config.k8s.io"
_RENDERED = "kustomize build renders it; give its output instead"
_DIALECTS = {
    f"{_GROUP}/v1alpha1/AdminNetworkPolicy": ADMIN_NETWORK_POLICY,
    f"{_GROUP}/v1alpha1/BaselineAdminNetworkPolicy": BASELINE_ADMIN_NETWORK_POLICY,
    f"{_GROUP}/v1alpha2/ClusterNetworkPolicy": CLUSTER_NETWORK_POLICY,
    f"{_GROUP}/v1beta1/ClusterNetworkPolicy": CLUSTER_NETWORK_POLICY_BETA,
}
_VERSIONS = {
    "ClusterNetworkPolicy": (f"{_GROUP}/v1alpha2", f"{_GROUP}/v1beta1"),
    "AdminNetworkPolicy": (f"{_GROUP}/v1alpha1",),
    "BaselineAdminNetworkPolicy": (f"{_GROUP}/v1alpha1",),
    "NetworkPolicy": ("networking.k8s.io/v1",),
    "Pod": ("v1",),
    "Node": ("v1",),
    "Namespace": ("v1",),
}
_CLUSTER = ("Pod", "Node", "Namespace")
_GROUPS = {
    kind: {version.rpartition("/")[0] for version in versions}
    for kind, versions in _VERSIONS.items()
} | {"NetworkPolicy": {"networking.k8s.io", "extensions"}}  # where it was before Kubernetes 1.16


_OF_OTHERS = re.compile(r"(?!Staged)\w*NetworkPolicy|EgressFirewall")
"""Kinds by which Cilium, Calico, Antrea, EKS and OVN-Kubernetes allow and deny, among others."""


def _is_of_kubernetes(group: str) -> bool:
    """Tell whether a group is one of Kubernetes itself, in which a kind of ours must be a slip.

    Groups without a dot are built in, ``*.k8s.io`` is reserved (KEP-2337), ``*.x-k8s.io`` is where
    its working groups try things out. Others have policies of these names that mean other things.
    """
    return "." not in group or group.endswith((".k8s.io", ".x-k8s.io"))


@lru_cache
def _is_nearly(name: TypeName) -> bool:
    """Tell whether the version is nearly one of those that the kind is read from."""
    return bool(get_close_matches(name.api_version, _VERSIONS[name.kind], n=1, cutoff=0.91))


@lru_cache
def _misspelt(name: TypeName) -> str:
    """Return the kind of the group that is nearly this one; passing it over would fail open."""
    group = name.api_version.rpartition("/")[0]
    ours = {kind.lower(): kind for kind, groups in _GROUPS.items() if group in groups}
    near = get_close_matches(name.kind.lower(), ours, n=1, cutoff=0.85)
    return ours[near[0]] if near else ""


def _spec(fields: ObjectCursor, kind: str) -> Cursor | None:
    """Return the spec; the API has NetworkPolicies without, which isolate their namespace."""
    spec = fields.get("spec")
    if spec is not None or kind != "NetworkPolicy":
        return fields.require("spec")
    fields.owner.unknown("the field 'spec' is required", "without it a whole namespace is isolated")
    return fields.owner.child("spec", {})


class Collector:
    """Takes every object of the input to where it belongs."""

    def __init__(self, problems: Problems) -> None:
        """Start empty."""
        self._problems = problems
        self.cluster = SnapshotBuilder(problems)
        self.policies: list[Policy] = []
        self._well_formed = WellFormed()
        self.passed_over: Counter[str] = Counter()
        self._others: dict[TypeName, Place] = {}

    def add(self, manifest: Manifest) -> None:
        """Decode one object; report what is wrong with it."""
        name = manifest.type_name
        if name.api_version not in _VERSIONS.get(name.kind, ()):
            self._add_other(manifest)
            return
        if name.kind in _CLUSTER:
            self.cluster.add(manifest)
        else:
            self._add_policy(manifest)

    def add_pieces(self, pieces: Iterable[bytes], source: Source) -> None:
        """Decode the lists of objects that a file was cut into; NotAsPrinted if they are none."""
        place, count = Place(source, 0), 0
        for piece in pieces:
            first = place.child("items", count)
            try:
                items = LISTED.decode(piece)
            except (msgspec.DecodeError, RecursionError):
                raws = decode_items(piece)
                for manifest in read_items(raws, first, self._problems):
                    self.add(manifest)
                count += len(raws)
            else:
                self.cluster.add_listed(items, first)
                count += len(items)

    def _add_other(self, manifest: Manifest) -> None:
        """Count an object that is none of ours; report a version or kind that may be meant."""
        name, place = manifest.type_name, manifest.place
        group = name.api_version.rpartition("/")[0]
        versions = _VERSIONS.get(name.kind)
        if found := answer_of_server(str(name), lambda: manifest.plain(self._problems)):
            self._problems.error(found[0], place, found[1])
        elif versions and (_is_of_kubernetes(group) or _is_nearly(name)):
            self._problems.error(
                f"{name.kind} is read from {one_of(versions)}, not {quote(name.api_version)}",
                place.child("apiVersion"),
            )
        elif group == _GROUP or _misspelt(name):
            near = _misspelt(name)
            self._problems.error(
                f"{quote(name.kind)} is no kind of {name.api_version} that is known",
                place.child("kind"),
                f"did you mean '{near}'?" if near else "",
            )
        else:
            if group == _KUSTOMIZE:
                message = f"a {name.kind} is not used: what it changes is not changed"
                self._problems.warning(message, place, _RENDERED)
            self.passed_over[str(name)] += 1
            if _OF_OTHERS.fullmatch(name.kind):
                self._others.setdefault(name, place)

    def finish(self) -> Snapshot:
        """Return the snapshot, after warnings of what somebody may think was compiled."""
        for name, place in self._others.items():
            number, is_namesake = self.passed_over[str(name)], name.kind in _NAMESAKES
            self._problems.warning(
                f"another project's policies are not compiled: {number} of {name}",
                place.child("kind"),
                f"kubectl knows ours as {RESOURCE}" if is_namesake else "",
            )
        return self.cluster.finish()

    def _add_policy(self, manifest: Manifest) -> None:
        kind, value = manifest.type_name.kind, manifest.value
        if kind == "NetworkPolicy" and isinstance(value, msgspec.Raw):
            with suppress(Doubtful):
                self._add_well_formed(value, manifest.place)
                return
        before = self._problems.unknowns
        document = Cursor(manifest.plain(self._problems), manifest.place, self._problems)
        fields = document.fields("apiVersion", "kind", "metadata", "spec", "status")
        closed = self._problems.unknowns > before
        metadata = decode_metadata(document)
        spec = None if fields is None else _spec(fields, kind)
        if metadata is None or spec is None:
            return
        if kind == "NetworkPolicy":
            self.cluster.claim(kind, metadata.namespace, metadata.name, manifest.place)
            policy = decode_network_policy(metadata, spec, closed=closed)
        else:
            self.cluster.claim(kind, "", metadata.name, manifest.place)
            spec = replace(spec, custom=True)
            dialect = _DIALECTS[str(manifest.type_name)]
            policy = decode_cluster_wide(dialect, metadata, spec, closed=closed)
        if policy is not None:
            self.policies.append(policy)

    def _add_well_formed(self, raw: msgspec.Raw, place: Place) -> None:
        policy = self._well_formed.decode(raw, place)
        namespace, name = policy.name.split("/")
        self.cluster.claim("NetworkPolicy", namespace, name, place)
        self.policies.append(policy)
