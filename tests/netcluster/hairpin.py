"""Services behind which there is one pod, so that the pod can reach itself through its node."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from .topology import Pod, Topology, family_of

_KINDS = ("ip", "ip6")


def service_of(address: str) -> str:
    """Return the address of the Service behind which the pod's address alone is.

    It is one of 100.64.0.0/10, or of fd64::/16, that differs for addresses that end differently.
    """
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return f"100.64.{'.'.join(address.split('.')[2:])}"
    return str(ipaddress.IPv6Address(b"\xfd\x64" + parsed.packed[2:]))


def translation(topology: Topology, node: str) -> str:
    """Return what the node's kube-proxy would load for these Services, as nft takes it."""
    pods = [pod for pod in topology.pods if pod.node == node and not pod.host_network]
    return "\n".join(_table(kind, pods) for kind in _KINDS)


def _table(kind: str, pods: list[Pod]) -> str:
    """Return one family's table: behind SNAT, the answers come back through the node."""
    own = [list(_of_kind(pod, kind)) for pod in pods]
    services = ", ".join(f"{service_of(item)} : {item}" for found in own for item in found)
    pairs = ", ".join(f"{one} . {other}" for found in own for one in found for other in found)
    if not pairs:
        return ""
    return (
        f"table {kind} services {{\n"
        "chain pre { type nat hook prerouting priority dstnat;\n"
        f"dnat to {kind} daddr map {{ {services} }}\n}}\n"
        "chain post { type nat hook postrouting priority srcnat;\n"
        f"{kind} saddr . {kind} daddr {{ {pairs} }} masquerade\n}}\n}}"
    )


def _of_kind(pod: Pod, kind: str) -> Iterator[str]:
    for address in pod.addresses:
        if (family_of(address).name == "AF_INET6") == (kind == "ip6"):
            yield address
