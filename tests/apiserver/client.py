"""A tiny client of the Kubernetes API: objects as dicts, one connection, no cache."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from http import HTTPStatus
from typing import Any, Self

Manifest = Mapping[str, Any]

_TIMEOUT = 60.0  # seconds
_PLURALS = {
    "ClusterNetworkPolicy": "clusternetworkpolicies",
    "NetworkPolicy": "networkpolicies",
}
_CLUSTER_WIDE = frozenset(
    (
        "ClusterNetworkPolicy",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "Namespace",
        "Node",
    )
)
_VERSIONS = {  # where it is not v1
    "ClusterNetworkPolicy": "policy.networking.k8s.io/v1alpha2",
    "EndpointSlice": "discovery.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}


class ApiError(Exception):
    """The API server refused; ``code`` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Client:
    """A user of the API server at 127.0.0.1; ``ca`` is the file of its certificate.

    OSError or HTTPException while the server is away; the next request connects anew.
    """

    def __init__(self, port: int, token: str, ca: str) -> None:
        self._port = port
        self._head = {"Authorization": f"Bearer {token}"}
        self._tls = ssl.create_default_context(cafile=ca)
        self._connection = self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401  # whatever JSON can say
        kind: str = "application/json",
    ) -> bytes:
        """Return what the server answers; ApiError if it refuses."""
        text = None if body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, path, text, {**self._head, "Content-Type": kind})
            return _accepted(self._connection.getresponse())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def get(self, path: str) -> Any:  # noqa: ANN401  # whatever JSON can say
        """Return the object or list at a path, decoded."""
        return json.loads(self.request("GET", path))

    def create(self, manifest: Manifest) -> dict[str, Any]:
        """Create an object, and its status if it has one; return it as the server has it."""
        made: dict[str, Any] = json.loads(self.request("POST", _parent(manifest), manifest))
        return self.patch_status(manifest, manifest["status"]) if "status" in manifest else made

    def replace(self, manifest: Manifest) -> dict[str, Any]:
        """Put an object in the place of the one with its name."""
        found: dict[str, Any] = json.loads(self.request("PUT", _path(manifest), manifest))
        return found

    def patch(self, manifest: Manifest, change: Manifest, part: str = "") -> dict[str, Any]:
        """Merge a change into an object (RFC 7386); ``part`` is "/status" for its status."""
        kind = "application/merge-patch+json"
        path = _path(manifest) + part
        found: dict[str, Any] = json.loads(self.request("PATCH", path, change, kind))
        return found

    def patch_status(self, manifest: Manifest, status: Manifest) -> dict[str, Any]:
        """Merge a change into an object's status, as its kubelet or controller does."""
        return self.patch(manifest, {"status": status}, "/status")

    def delete(self, manifest: Manifest) -> None:
        """Delete an object at once: there is no kubelet that would end a pod gracefully."""
        self.request("DELETE", f"{_path(manifest)}?gracePeriodSeconds=0")

    def get_list(self, kind: str, version: str = "") -> dict[str, Any]:
        """Return the list of all objects of a kind, as ``kubectl get --raw`` prints it."""
        found: dict[str, Any] = self.get(path_of(kind, version))
        return found

    def watch(
        self, kind: str, resource_version: str, seconds: int, version: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Give the events since a version of the list, until the server closes the watch."""
        query = f"watch=1&resourceVersion={resource_version}&timeoutSeconds={seconds}"
        with closing(self._connect()) as connection:
            connection.request("GET", f"{path_of(kind, version)}?{query}", headers=self._head)
            response = connection.getresponse()
            if response.status != HTTPStatus.OK:
                _accepted(response)
            for line in response:
                yield json.loads(line)

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            "127.0.0.1", self._port, timeout=_TIMEOUT, context=self._tls
        )


def _accepted(response: http.client.HTTPResponse) -> bytes:
    body = response.read()
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise ApiError(response.status, body.decode(errors="replace"))
    return body


def path_of(kind: str, version: str = "", namespace: str = "") -> str:
    """Return the path of all objects of a kind, in a namespace or in all."""
    version = version or _VERSIONS.get(kind, "v1")
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"{group}{within}/{_PLURALS.get(kind, f'{kind.lower()}s')}"


def _parent(manifest: Manifest) -> str:
    kind, metadata = manifest["kind"], manifest["metadata"]
    namespace = "" if kind in _CLUSTER_WIDE else metadata.get("namespace", "default")
    return path_of(kind, manifest["apiVersion"], namespace)


def _path(manifest: Manifest) -> str:
    return f"{_parent(manifest)}/{manifest['metadata']['name']}"
