"""The API server that other tests use: it keeps its promises to them."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from apiserver import ApiError, ApiServer, Client

pytestmark = pytest.mark.requires_apiserver


def namespace() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"n-{uuid4()}"}}


def listed(client: Client, kind: str) -> list[Any]:
    return [item["metadata"] for item in client.get_list(kind)["items"]]


def test_an_object_is_created_with_its_status_and_listed(api_server: ApiServer) -> None:
    node: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"n-{uuid4()}"},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]},
    }
    with api_server.client() as client:
        made = client.create(node)
        assert made["status"]["addresses"] == node["status"]["addresses"]
        assert made["metadata"] in listed(client, "Node")
        client.delete(node)
        assert made["metadata"] not in listed(client, "Node")


def test_a_refusal_has_its_code_and_its_words(api_server: ApiServer) -> None:
    policy = {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "wrong"},
        "spec": {"tier": "Middle", "priority": 1, "subject": {"namespaces": {}}},
    }
    with api_server.client() as client, pytest.raises(ApiError, match="Middle") as caught:
        client.create(policy)
    assert caught.value.code == http.HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_watch_gives_what_changed_since_a_list(api_server: ApiServer) -> None:
    made = namespace()
    with api_server.client() as client:
        version = client.get_list("Namespace")["metadata"]["resourceVersion"]
        client.create(made)
        event = next(client.watch("Namespace", version, seconds=30))
    assert event["type"] == "ADDED"
    assert event["object"]["metadata"]["name"] == made["metadata"]["name"]


def test_a_stranger_is_refused(api_server: ApiServer) -> None:
    default_atom = Client(api_server.port, "nobody's token", str(api_server.ca))
    with default_atom, pytest.raises(ApiError, match="401"):
        default_atom.get_list("Pod")


def test_data_and_users_outlive_a_restart_and_a_kill(tmp_path: Path) -> None:
    first, second = namespace(), namespace()
    with ApiServer(tmp_path) as server:
        server.add_user("reader")
        with server.client() as client:
            client.create(first)
            server.server.kill()
            with pytest.raises((OSError, http.client.HTTPException)):
                client.create(second)
            server.server.start(server.is_ready)
            client.create(second)
        server.restart()
        with server.client() as client:
            names = [metadata["name"] for metadata in listed(client, "Namespace")]
        assert {item["metadata"]["name"] for item in (first, second)} <= set(names)
        with server.client("reader") as reader, pytest.raises(ApiError, match="403"):
            reader.get_list("Pod")
