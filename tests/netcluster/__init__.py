"""A cluster of network namespaces for tests by packets: routers, pods, an outside host.

with Cluster(Topology.from_snapshot(snapshot)) as cluster:
    cluster.load("node-a", ruleset)
    [result] = cluster.probe([Probe("shop/web", "10.0.2.7", TCP, 80)])
    assert result.accepted
"""

from .cluster import Cluster
from .hairpin import service_of, translation
from .limits import missing
from .loader import IPSET_RESTORE, LOADERS, IptablesLoader, Loader, NftLoader
from .namespaces import ClusterError, Namespace
from .probes import (
    ICMP,
    ICMPV6,
    SCTP,
    TCP,
    UDP,
    Probe,
    Result,
    Sighting,
    Verdict,
    check,
    differences,
    table,
)
from .topology import OUTSIDE, Node, Pod, Topology, routable

__all__ = [
    "ICMP",
    "ICMPV6",
    "IPSET_RESTORE",
    "LOADERS",
    "OUTSIDE",
    "SCTP",
    "TCP",
    "UDP",
    "Cluster",
    "ClusterError",
    "IptablesLoader",
    "Loader",
    "Namespace",
    "NftLoader",
    "Node",
    "Pod",
    "Probe",
    "Result",
    "Sighting",
    "Topology",
    "Verdict",
    "check",
    "differences",
    "missing",
    "routable",
    "service_of",
    "table",
    "translation",
]
