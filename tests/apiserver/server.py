"""etcd and kube-apiserver on loopback, with free ports, tokens and no kubelets."""

from __future__ import annotations

import csv
import http
import http.client
import json
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import yaml

from .client import ApiError, Client
from .process import Process, free_port
from .programs import crds, program

ADMIN = "admin"
_NOT_YET = (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.TOO_MANY_REQUESTS)  # then its storage starts


class ApiServer:
    """A context manager; ports, tokens, data and certificate outlive a restart.

    ``etcd`` and ``server`` are the two processes, which a test may end and start one by one.
    """

    def __init__(self, folder: Path, extra: Sequence[str] = ()) -> None:
        """Prepare a folder of its own; ``extra`` are further flags of kube-apiserver."""
        self._folder = folder
        self._users: dict[str, tuple[str, str]] = {}
        self.port = free_port()
        self._etcd_port = free_port()
        self.etcd = Process(self._etcd_flags(), folder / "etcd.log")
        self.server = Process([*self._server_flags(), *extra], folder / "kube-apiserver.log")
        self.add_user(ADMIN, "system:masters")
        self._make_key()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()  # nobody wants the data

    @property
    def ca(self) -> Path:
        """The certificate that clients trust; there once the server has been started."""
        return self._folder / "apiserver.crt"

    def add_user(self, name: str, *groups: str) -> None:
        """Give a user a token; kube-apiserver reads it at its next start."""
        self._users[name] = (f"token-of-{name}", ",".join(groups))
        with self._tokens.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows((t, user, user, g) for user, (t, g) in self._users.items())

    def token(self, user: str = ADMIN) -> str:
        """Return a user's bearer token."""
        return self._users[user][0]

    def client(self, user: str = ADMIN) -> Client:
        """Return a client with the user's token."""
        return Client(self.port, self.token(user), str(self.ca))

    def kubeconfig(self, user: str = ADMIN, port: int | None = None) -> Path:
        """Return a kubeconfig file of the user; ``port`` is that of a relay to the server."""
        cluster = {
            "server": f"https://127.0.0.1:{port or self.port}",
            "certificate-authority": str(self.ca),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.token(user)}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        }
        path = self._folder / f"kubeconfig-{user}-{port or self.port}"
        path.write_text(json.dumps(config))
        return path

    def start(self) -> None:
        """Start both; ProcessError with the last words of one that ends."""
        self.etcd.start()
        self.server.start(self.is_ready)

    def stop(self) -> None:
        """Let both end in order; the data stays."""
        self.server.stop()
        self.etcd.stop()

    def kill(self) -> None:
        """End both at once; what was not written to disk may be lost (--unsafe-no-fsync)."""
        self.server.kill()
        self.etcd.kill()

    def restart(self) -> None:
        """Stop both, and start them with the data that is there."""
        self.stop()
        self.start()

    def is_ready(self) -> bool:
        """Tell whether the server answers all its own checks."""
        with suppress(OSError, http.client.HTTPException, ApiError), self.client() as client:
            return client.request("GET", "/readyz") == b"ok"
        return False

    def install_crds(self, channel: str = "experimental") -> None:
        """Install the CRDs of network-policy-api, and wait until they are served."""
        with self.client() as client:
            for manifest in yaml.safe_load_all(crds(channel).read_text()):
                client.create(manifest)
            self.server.wait_until(lambda: _is_served(client))

    @property
    def _tokens(self) -> Path:
        return self._folder / "tokens.csv"

    @property
    def _key(self) -> Path:
        return self._folder / "service-accounts.key"

    def _make_key(self) -> None:
        """Make the key that signs the tokens of service accounts, without which it won't start."""
        subprocess.run(
            ["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", self._key],
            check=True,
        )

    def _etcd_flags(self) -> list[str | Path]:
        own = f"http://127.0.0.1:{self._etcd_port}"
        peers = f"http://127.0.0.1:{free_port()}"
        return [
            program("etcd"),
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={own}",
            f"--advertise-client-urls={own}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",
            "--watch-progress-notify-interval=5s",
            "--log-level=warn",
        ]

    def _server_flags(self) -> list[str | Path]:
        return [
            program("kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self._folder}",
            f"--token-auth-file={self._tokens}",
            "--authorization-mode=RBAC",
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112",
            "--service-account-issuer=https://cnpc.test",
            f"--service-account-key-file={self._key}",
            f"--service-account-signing-key-file={self._key}",
            "--disable-admission-plugins=ServiceAccount",
        ]


def _is_served(client: Client) -> bool:
    try:
        client.get_list("ClusterNetworkPolicy")
    except ApiError as error:
        if error.code not in _NOT_YET:
            raise
        return False
    return True
