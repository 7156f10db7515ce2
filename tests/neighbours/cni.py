"""CNI plugins, called as a container runtime calls them (the CNI specification, version 1.0.0)."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

from netcluster import OUTSIDE, Namespace, Pod, Topology
from netcluster.build import build, prepare
from netcluster.namespaces import run, write_sysctls
from netcluster.topology import family_of

_DIRECTORY = "/usr/lib/cni"  # of Debian's and Ubuntu's package
_VERSION = "1.0.0"

_LENGTHS = {socket.AF_INET: 24, socket.AF_INET6: 64}
_OF_MAIN: Mapping[str, Mapping[str, Any]] = {
    "ptp": {},
    "bridge": {"bridge": "cni0", "isGateway": True, "hairpinMode": True},
}

PLUGINS = tuple(f"{_DIRECTORY}/{name}" for name in ("ptp", "bridge", "portmap", "firewall"))
"""The programs that must be there: package containernetworking-plugins."""

Plugin = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HostPort:
    """A port of the node that leads to a port of a pod."""

    port: int
    target: int


class Cni:
    """A chain of plugins that attaches pods to a node; it can detach and attach them again.

    ``main`` is ptp or bridge; with ``firewall`` that plugin accepts what goes to and from pods,
    and host ports are the portmap plugin's.
    """

    def __init__(
        self,
        node: str,
        main: str,
        path: str,
        *,
        firewall: bool = False,
        host_ports: Mapping[str, HostPort] | None = None,
    ) -> None:
        """``path`` is the PATH on which the plugins find iptables; host ports are by pod."""
        self.node = node
        self._main, self._path = main, path
        self._firewall = firewall
        self._host_ports = host_ports or {}
        self._spaces: Mapping[str, Namespace] = {}

    def wire(self, topology: Topology) -> Mapping[str, Namespace]:
        """Return the namespaces of a cluster whose node of ours has no pod attached yet."""
        own = [pod for pod in topology.pods if pod.node == self.node]
        others = tuple(pod for pod in topology.pods if pod.node != self.node)
        spaces = dict(build(Topology(topology.nodes, others, topology.outside)))
        for pod in own:
            spaces[pod.full_name] = Namespace()
            prepare(spaces[pod.full_name])
        index = [node.name for node in topology.nodes].index(self.node)
        for address in (address for pod in own for address in pod.addresses):
            via = ("via", "fe80::2") if ":" in address else ("via", "inet6", "fe80::2")
            length = 128 if ":" in address else 32
            spaces[OUTSIDE].run(
                ("ip", "route", "add", f"{address}/{length}", *via, "dev", f"n{index}")
            )
        self._spaces = spaces
        with spaces[self.node].entered():
            _have_bridges_judged()
        return spaces

    def attach(self, pod: Pod) -> None:
        """Call the plugins one after the other with ADD, each with the result of the one before."""
        result: Mapping[str, Any] = {}
        for plugin in self._plugins(pod):
            printed = self._call(
                "ADD", pod, {**plugin, **({"prevResult": result} if result else {})}
            )
            result = json.loads(printed)

    def detach(self, pod: Pod) -> None:
        """Call the plugins from the last to the first with DEL."""
        for plugin in reversed(self._plugins(pod)):
            self._call("DEL", pod, plugin)

    def _plugins(self, pod: Pod) -> Sequence[Plugin]:
        addresses = [
            {"address": f"{address}/{_LENGTHS[family_of(address)]}", "gateway": _gateway(address)}
            for address in pod.addresses
        ]
        ipam = {
            "type": "static",
            "addresses": addresses,
            "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
        }
        plugins: list[Plugin] = [{"type": self._main, "ipam": ipam, **_OF_MAIN[self._main]}]
        if host_port := self._host_ports.get(pod.full_name):
            plugins.append(_portmap(host_port))
        if self._firewall:
            plugins.append({"type": "firewall", "backend": "iptables"})
        return [{"cniVersion": _VERSION, "name": "pods", **plugin} for plugin in plugins]

    def _call(self, command: str, pod: Pod, configuration: Plugin) -> str:
        settings = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": f"{pod.namespace}-{pod.name}",
            "CNI_NETNS": self._spaces[pod.full_name].path,
            "CNI_IFNAME": "eth0",
            "CNI_PATH": _DIRECTORY,
            "PATH": self._path,
        }
        assignments = (f"{name}={value}" for name, value in settings.items())
        program = Path(_DIRECTORY, configuration["type"])
        with self._spaces[self.node].entered():
            return run(("env", *assignments, str(program)), json.dumps(configuration))


def _have_bridges_judged() -> None:
    """Have iptables and nftables see what passes between pods of one bridge."""
    write_sysctls([(f"bridge/bridge-nf-call-{name}", "1") for name in ("iptables", "ip6tables")])


def _gateway(address: str) -> str:
    """Return the first address of a pod's network."""
    return str(ip_interface(f"{address}/{_LENGTHS[family_of(address)]}").network[1])


def _portmap(host_port: HostPort) -> Plugin:
    mappings = [
        {"hostPort": host_port.port, "containerPort": host_port.target, "protocol": protocol}
        for protocol in ("tcp", "udp")
    ]
    return {
        "type": "portmap",
        "snat": True,
        "capabilities": {"portMappings": True},
        "runtimeConfig": {"portMappings": mappings},
    }
