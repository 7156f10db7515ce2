"""Wires a topology: veth pairs, addresses and host routes, as the ptp and Calico CNIs do.

    pod eth0 --- v<n> node uplink --- n<m> outside

A pod has its addresses as /32 and /128 and its default route by way of 169.254.1.1 (the node's
proxy ARP) and fe80::1; a node has a host route to each pod. The outside host joins the nodes, and
whatever is no node's and no pod's is local to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .conntrack import Conntrack
from .loader import silence
from .namespaces import Namespace, write_sysctls
from .topology import OUTSIDE, Node, Pod, Topology, family_of

_FAMILY_SYSCTLS = (
    *(
        (f"ipv4/conf/{scope}/{key}", value)
        for scope in ("all", "default")
        for key, value in (
            ("rp_filter", "0"),
            ("accept_local", "1"),
            ("send_redirects", "0"),
            ("accept_redirects", "0"),
        )
    ),
    *(
        (f"ipv6/conf/{scope}/{key}", value)
        for scope in ("all", "default")
        for key, value in (
            ("disable_ipv6", "0"),
            ("accept_dad", "0"),
            ("accept_ra", "0"),
            ("autoconf", "0"),
            ("use_tempaddr", "0"),
            ("accept_redirects", "0"),
            ("router_solicitations", "0"),
        )
    ),
)
# No rate limits, or a ruleset that rejects would seem to drop.
_ICMP_SYSCTLS = (
    ("ipv4/icmp_ratelimit", "0"),
    ("ipv4/icmp_ratemask", "0"),
    ("ipv6/icmp/ratelimit", "0"),
    ("ipv6/icmp/ratemask", "\n"),
    ("ipv4/fwmark_reflect", "1"),
    ("ipv6/fwmark_reflect", "1"),
    ("ipv4/tcp_syn_retries", "3"),
)
_ROUTER_SYSCTLS = (
    ("ipv4/ip_forward", "1"),
    ("ipv6/conf/all/forwarding", "1"),
    ("ipv6/conf/default/forwarding", "1"),
    ("ipv4/conf/default/proxy_arp", "1"),
)
# Flows that were probed and not kept up are forgotten before their source port comes round again.
_CONNTRACK_SYSCTLS = tuple(
    (f"netfilter/nf_conntrack_{key}", value)
    for key, value in (
        ("tcp_timeout_syn_sent", "4"),
        ("tcp_timeout_syn_recv", "4"),
        ("tcp_timeout_close", "2"),
        ("udp_timeout", "4"),
        ("icmp_timeout", "4"),
        ("icmpv6_timeout", "4"),
        ("sctp_timeout_closed", "2"),
        ("sctp_timeout_cookie_wait", "4"),
        ("generic_timeout", "1"),
        ("gre_timeout", "1"),
        ("gre_timeout_stream", "1"),
    )
)


@dataclass(frozen=True, slots=True)
class _PodLink:
    device: str
    pod: Pod


def build(topology: Topology) -> Mapping[str, Namespace]:
    """Return the namespaces of all nodes, pods and OUTSIDE, wired and up, by name.

    A host-network pod's name leads to its node's namespace.
    """
    names = [OUTSIDE, *(node.name for node in topology.nodes)]
    names += [pod.full_name for pod in topology.pods if not pod.host_network]
    spaces: dict[str, Namespace] = {}
    try:
        for name in names:
            spaces[name] = Namespace()
        _wire(topology, spaces)
    except BaseException:
        for space in spaces.values():
            space.close()
        raise
    return spaces


def _wire(topology: Topology, spaces: Mapping[str, Namespace]) -> None:
    routers = {OUTSIDE, *(node.name for node in topology.nodes)}
    for name, space in spaces.items():
        prepare(space, router=name in routers)
    for index, node in enumerate(topology.nodes):
        pods = (pod for pod in topology.pods if pod.node == node.name and not pod.host_network)
        links = [_PodLink(f"v{number}", pod) for number, pod in enumerate(pods)]
        _configure(spaces[node.name], _node_lines(index, node, links, spaces))
        with spaces[node.name].entered():
            # Devices of a namespace take this from the initial one, which waits 0.8 s.
            write_sysctls([(f"ipv4/neigh/{link.device}/proxy_delay", "0") for link in links])
        for link in links:
            _configure(spaces[link.pod.full_name], _pod_lines(link.pod))
    _configure(spaces[OUTSIDE], _outside_lines(topology))


def prepare(space: Namespace, *, router: bool = False) -> None:
    """Have a namespace without devices take part in probes."""
    with space.entered():
        write_sysctls(_FAMILY_SYSCTLS + _ICMP_SYSCTLS)
        if router:
            _load_conntrack()
            write_sysctls(_ROUTER_SYSCTLS + _CONNTRACK_SYSCTLS)
        silence()


def _load_conntrack() -> None:
    """Make the kernel load the module, if it is one, so that its sysctls exist."""
    conntrack = Conntrack()
    conntrack.flush()
    conntrack.close()


def _configure(space: Namespace, lines: Iterable[str]) -> None:
    space.run(("ip", "-batch", "-"), "\n".join(lines) + "\n")


def _host(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


def _assign(addresses: Iterable[str], device: str) -> Iterable[str]:
    for address in addresses:
        yield f"address add {_host(address)} dev {device}{' nodad' if ':' in address else ''}"


def _node_lines(
    index: int, node: Node, links: Iterable[_PodLink], spaces: Mapping[str, Namespace]
) -> Iterable[str]:
    yield "link set lo up"
    yield f"link add uplink type veth peer name n{index} netns {spaces[OUTSIDE].path}"
    yield from _router_port("uplink", "fe80::2")
    yield from _assign(node.addresses, "uplink")
    yield "route add 0.0.0.0/0 via inet6 fe80::1 dev uplink"
    yield "route add ::/0 via fe80::1 dev uplink"
    sources = {family_of(address): address for address in reversed(node.addresses)}
    for link in links:
        peer = spaces[link.pod.full_name].path
        yield f"link add {link.device} type veth peer name eth0 netns {peer}"
        yield from _router_port(link.device, "fe80::1")
        for address in link.pod.addresses:
            source = sources.get(family_of(address))
            hint = f" src {source}" if source else ""
            yield f"route add {_host(address)} dev {link.device}{hint}"


def _router_port(device: str, address: str) -> Iterable[str]:
    yield f"link set {device} addrgenmode none"
    yield f"link set {device} up"
    yield f"address add {address}/64 dev {device} nodad"


def _pod_lines(pod: Pod) -> Iterable[str]:
    yield "link set lo up"
    yield "link set eth0 addrgenmode none"
    yield "link set eth0 up"
    yield "address add fe80::2/64 dev eth0 nodad"
    yield from _assign(pod.addresses, "eth0")
    yield "route add 169.254.1.1 dev eth0 scope link"
    yield "route add 0.0.0.0/0 via 169.254.1.1 dev eth0"
    yield "route add ::/0 via fe80::1 dev eth0"


def _outside_lines(topology: Topology) -> Iterable[str]:
    yield "link set lo up"
    for index, node in enumerate(topology.nodes):
        device = f"n{index}"
        yield from _router_port(device, "fe80::1")
        pods = [pod for pod in topology.pods if pod.node == node.name and not pod.host_network]
        remote = {*node.addresses, *(address for pod in pods for address in pod.addresses)}
        for address in sorted(remote):
            via = "via fe80::2" if ":" in address else "via inet6 fe80::2"
            yield f"route add {_host(address)} {via} dev {device}"
    yield "route add local 0.0.0.0/0 dev lo table main"
    yield "route add local ::/0 dev lo table main"
