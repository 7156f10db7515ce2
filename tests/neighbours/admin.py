"""What an administrator does: puts policies into the API server, takes snapshots, runs cnpc."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from apiserver import Client
from command import Done, cnpc
from netcluster import Cluster, Node
from oracle import Oracle

from neighbours.objects import Manifest

_POLICIES = ("NetworkPolicy", "ClusterNetworkPolicy")
_KINDS = ("Namespace", "Node", "Pod", *_POLICIES)


def put_policies(client: Client, policies: Iterable[Manifest]) -> None:
    """Have these policies in the API server, and no others."""
    for kind in _POLICIES:
        listed = client.get_list(kind)
        for item in listed["items"]:
            client.delete({"apiVersion": listed["apiVersion"], "kind": kind, **item})
    for policy in policies:
        client.create(policy)


class Admin:
    """Has cnpc enforce on the nodes of a cluster what the API server holds."""

    def __init__(
        self, client: Client, cluster: Cluster, folder: Path, environment: Mapping[str, str]
    ) -> None:
        """Keep snapshots and cnpc's state in a folder; the environment is cnpc's."""
        self._client, self._cluster, self._folder = client, cluster, folder
        self._environment = environment

    def snapshot(self) -> list[Path]:
        """Write a list of each kind, as ``kubectl get --raw`` prints it, and return the files."""
        files = []
        for kind in _KINDS:
            path = self._folder / f"{kind}.json"
            path.write_text(json.dumps(self._client.get_list(kind)))
            files.append(path)
        return files

    def oracle(self) -> Oracle:
        """Return who judges by the snapshot that was taken last."""
        lists = [json.loads((self._folder / f"{kind}.json").read_text()) for kind in _KINDS]
        return Oracle(
            {**item, "kind": kind}
            for kind, found in zip(_KINDS, lists, strict=True)
            for item in found["items"]
        )

    def enforce(self, backend: str, deny_with: str = "drop") -> Oracle:
        """Take a snapshot, apply it on every node, and return who judges by it."""
        files = self.snapshot()

        def apply(node: Node) -> None:
            options = ("--node", node.name, "--backend", backend, "--deny-with", deny_with)
            self.run(node.name, "apply", *files, *options, "--allow-empty")

        with ThreadPoolExecutor() as pool:  # a thread is in a namespace of its own
            list(pool.map(apply, self._cluster.topology.nodes))
        return self.oracle()

    def flush(self) -> None:
        """Remove cnpc's rules from every node."""
        for node in self._cluster.topology.nodes:
            self.run(node.name, "flush")

    def run(self, node: str, command: str, *arguments: str | Path, code: int = 0) -> Done:
        """Run a command of cnpc on a node, and expect its exit code."""
        state = self._folder / f"state-{node}"
        with self._cluster.namespace(node).entered():
            done = cnpc(command, *arguments, "--state-dir", state, environment=self._environment)
        assert done.code == code, f"cnpc {command} on {node}: {done}"
        return done
