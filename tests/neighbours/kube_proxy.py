"""kube-proxy on a node of a test cluster."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from apiserver import ApiServer, Client, Process, program
from netcluster import Namespace, Pod

from neighbours.flavours import search_path
from neighbours.objects import Service, endpoint_slice
from neighbours.relay import Relay

_METRICS_PORT = 10249
_FAMILIES = 2
_SYNCED = re.compile(r"^kubeproxy_sync_proxy_rules_last_timestamp_seconds\S* [1-9]", re.MULTILINE)
_marks = count(1)

MARK = Service(
    "mark",
    Pod("t", "mark", "n2", ("10.244.255.0", "fd00:10:255::")),
    ("10.96.255.9", "fd00:10:96::ff09"),
    target=9,
)
"""A Service that must be there, and leads nowhere."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How kube-proxy makes its rules, and by which flavour of iptables where it uses that."""

    name: str
    flavour: str = "nft"

    def __str__(self) -> str:
        return self.name if self.name == "nftables" else f"{self.name}-{self.flavour}"


MODES = (Mode("iptables", "nft"), Mode("iptables", "legacy"), Mode("nftables"))


class KubeProxy:
    """kube-proxy in a node's namespace; ``close`` ends it, its rules stay unless cleaned up."""

    def __init__(
        self, server: ApiServer, node: str, space: Namespace, mode: Mode, folder: Path
    ) -> None:
        self._server, self._space, self._mode = server, space, mode
        self._relay = Relay(space, server.port)
        self.environment = {"PATH": search_path(folder, mode.flavour)}
        """Has ``iptables`` be of the flavour that kube-proxy uses."""
        self._log = folder / f"kube-proxy-{node}.log"
        config = folder / f"kube-proxy-{node}.json"
        config.write_text(json.dumps(_configuration(server, node, mode)))
        self._config = f"--config={config}"
        self._process = self._program()

    def start(self) -> None:
        """Start it and wait for its first sync."""
        self._process.start(self._has_synced)

    def stop(self) -> None:
        """Let it end; its rules stay."""
        self._process.stop()

    def kill(self) -> None:
        """End it at once; its rules stay."""
        self._process.kill()

    def restart(self) -> None:
        """Stop and start it, as an update of its DaemonSet does."""
        self.stop()
        self.start()

    def clean_up(self) -> None:
        """Remove its rules, by ``kube-proxy --cleanup``."""
        self.stop()
        cleaning = self._program("--cleanup")
        cleaning.start()
        cleaning.wait()

    def close(self) -> None:
        """End it and let go of its connections."""
        self._process.kill()
        self._relay.close()

    def wait_for_sync(self, client: Client) -> None:
        """Wait until the rules are those of all endpoints that there are now.

        Changes come in order, in each family: once the mark that is made now is in its rules, all
        others are.
        """
        number = next(_marks)
        marks = [f"10.244.255.{number}", f"fd00:10:255::{number}"]
        for address in marks:
            client.replace(endpoint_slice(MARK, address))
        self._process.wait_until(lambda: all(map(self._rules().__contains__, marks)))

    def _rules(self) -> str:
        """Return the rules that do NAT."""
        commands: list[tuple[str, ...]]
        if self._mode.name == "nftables":
            commands = [("nft", "list", "table", family, "kube-proxy") for family in ("ip", "ip6")]
        else:
            programs = (f"{name}-{self._mode.flavour}-save" for name in ("iptables", "ip6tables"))
            commands = [(program, "-t", "nat") for program in programs]
        return "".join(map(self._space.run, commands))

    def _program(self, *flags: str) -> Process:
        return Process(
            [program("kube-proxy"), self._config, *flags],
            self._log,
            environment=self.environment,
            within=self._space.entered,
        )

    def _has_synced(self) -> bool:
        with suppress(OSError, http.client.HTTPException), self._space.entered():
            connection = http.client.HTTPConnection("127.0.0.1", _METRICS_PORT, timeout=5)
            with closing(connection):
                connection.request("GET", "/metrics")
                return len(_SYNCED.findall(connection.getresponse().read().decode())) == _FAMILIES
        return False


def _configuration(server: ApiServer, node: str, mode: Mode) -> Mapping[str, object]:
    soon = {"syncPeriod": "30s", "minSyncPeriod": "10ms"}
    # What the machine has for all of its network namespaces cannot be set from one of them.
    unset = dict.fromkeys(("tcpEstablishedTimeout", "tcpCloseWaitTimeout"), "0s")
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(server.kubeconfig())},
        "hostnameOverride": node,
        "mode": mode.name,
        "clusterCIDR": "10.244.0.0/16,fd00:10::/32",
        "conntrack": {"maxPerCore": 0, **unset},
        "iptables": soon,
        "nftables": soon,
        "oomScoreAdj": 0,
    }
