"""What rulesets meet beside new flows: NAT, errors, invalid packets, neighbours, and crashes."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from netcluster import (
    ICMP,
    ICMPV6,
    OUTSIDE,
    TCP,
    UDP,
    Cluster,
    ClusterError,
    Namespace,
    Node,
    Probe,
    Sighting,
    Topology,
    Verdict,
    packets,
)
from netcluster.topology import packed
from small_cluster import ADDRESS, HOST, A, B, C, forward_drop, load, verdicts

pytestmark = pytest.mark.requires_root_and_nft

SERVICE = {"ip": "10.96.0.10", "ip6": "fd00:96::10"}
STATEFUL = "ct state established accept; ct state invalid drop; ct state new udp dport 53 accept;"


def places(sightings: list[Sighting]) -> list[str]:
    return [sighting.where for sighting in sightings]


@pytest.mark.parametrize(("kind", "family"), [("ip", 0), ("ip6", 1)])
def test_a_pod_reaches_itself_and_others_through_a_service(
    cluster: Cluster, kind: str, family: int
) -> None:
    own, other, virtual = ADDRESS[A][family], ADDRESS[C][family], SERVICE[kind]
    to = "[%s]:%d" if family else "%s:%d"
    cluster.load(
        "n1",
        f"table {kind} service {{\n"
        "chain pre { type nat hook prerouting priority dstnat;"
        f" {kind} daddr {virtual} tcp dport 80 dnat to {to % (own, 8080)}\n"
        f" {kind} daddr {virtual} tcp dport 81 dnat to {to % (other, 8081)}\n}}\n"
        "chain post { type nat hook postrouting priority srcnat;"
        f" {kind} saddr {own} {kind} daddr {own} masquerade\n}}\n}}",
    )
    loop, far = cluster.probe([Probe(A, virtual, TCP, 80), Probe(A, virtual, TCP, 81)])
    assert loop.accepted
    assert far.accepted
    assert loop.arrival is not None
    assert far.arrival is not None
    assert (loop.arrival.where, loop.arrival.destination, loop.arrival.ports[1]) == (A, own, 8080)
    assert loop.arrival.source == ADDRESS["n1"][family]
    assert (far.arrival.where, far.arrival.source, far.arrival.ports[1]) == (C, own, 8081)
    assert loop.answered_by == far.answered_by == virtual
    load(cluster, forward_drop("tcp dport 8081 accept; tcp sport 8081 accept;"))
    probes = Probe(A, virtual, TCP, 80), Probe(A, virtual, TCP, 81)
    assert verdicts(cluster, *probes) == [Verdict.DROPPED, Verdict.ACCEPTED]


def udp_error(family: int, ports: tuple[int, int], marker: bytes) -> bytes:
    """Return the port unreachable that pod c sends for a datagram of pod a's."""
    a, c = packed(ADDRESS[A][family]), packed(ADDRESS[C][family])
    quoted = packets.ip((a, c), UDP, packets.udp((a, c), ports, marker))
    kind = ((3, 3), (1, 4))[family]
    protocol = (ICMP, ICMPV6)[family]
    return packets.ip((c, a), protocol, packets.icmp((c, a), kind, bytes(4) + quoted))


@pytest.mark.parametrize("family", [0, 1])
def test_errors_of_a_flow_are_related_to_it(cluster: Cluster, family: int) -> None:
    load(cluster, forward_drop(STATEFUL))
    [sent] = cluster.probe([Probe(A, ADDRESS[C][family], UDP, 53)])
    assert sent.accepted
    ports = (sent.source_port, 53)
    assert cluster.inject(C, lambda mark: udp_error(family, ports, mark)) == []
    load(cluster, "chain forward { meta l4proto { icmp, ipv6-icmp } ct state related accept; }")
    assert places(cluster.inject(C, lambda mark: udp_error(family, ports, mark))) == [A]
    default_atom = (sent.source_port + 1, 53)
    assert cluster.inject(C, lambda mark: udp_error(family, default_atom, mark)) == []


@pytest.mark.parametrize("family", [0, 1])
@pytest.mark.parametrize(
    "flags", [packets.RST, packets.RST | packets.ACK, packets.SYN | packets.ACK]
)
def test_segments_of_no_connection_are_invalid(cluster: Cluster, family: int, flags: int) -> None:
    ends = packed(ADDRESS[A][family]), packed(ADDRESS[C][family])

    def stray(mark: bytes) -> bytes:
        segment = packets.tcp(ends, (4000, 80), (77, 99), flags, mark)
        return packets.ip(ends, TCP, segment)

    assert places(cluster.inject(A, stray)) == [C]
    load(cluster, "chain forward { type filter hook forward priority 0; ct state invalid drop; }")
    assert cluster.inject(A, stray) == []


def test_segments_outside_of_the_window_are_invalid(cluster: Cluster) -> None:
    load(cluster, "chain forward { type filter hook forward priority 0; ct state invalid drop; }")
    [begun] = cluster.probe([Probe(A, ADDRESS[C][0], TCP, 80)])
    assert begun.accepted
    assert begun.arrival is not None
    ends = packed(ADDRESS[A][0]), packed(ADDRESS[C][0])
    first = int.from_bytes(begun.arrival.body[4:8], "big") + 1 + packets.MARKER_LENGTH

    def data(offset: int, mark: bytes) -> bytes:
        numbers = (first + offset, first)
        ports = (begun.source_port, 80)
        return packets.ip(ends, TCP, packets.tcp(ends, ports, numbers, packets.ACK, mark))

    assert places(cluster.inject(A, lambda mark: data(0, mark))) == [C]
    assert cluster.inject(A, lambda mark: data(10_000_000, mark)) == []


def test_a_wrong_checksum_is_invalid(cluster: Cluster) -> None:
    ends = packed(ADDRESS[A][0]), packed(ADDRESS[C][0])

    def broken(mark: bytes) -> bytes:
        echo = packets.icmp(ends, (8, 0), struct.pack("!HH", 1, 1) + mark)
        return packets.ip(ends, ICMP, echo[:2] + bytes([echo[2] ^ 1]) + echo[3:])

    assert places(cluster.inject(A, broken)) == [C]
    load(cluster, "chain forward { type filter hook forward priority 0; ct state invalid drop; }")
    assert cluster.inject(A, broken) == []


def test_neighbours_are_found_under_a_ruleset_that_lets_them(cluster: Cluster) -> None:
    closed = (
        "chain %s { type filter hook %s priority 0; policy drop;"
        " icmpv6 type { 133-137 } accept;\n}\n"
    )
    load(cluster, "".join(closed % (hook, hook) for hook in ("input", "output")))
    cluster.flush_neighbours()
    probes = [Probe(A, ADDRESS[B][1], TCP, 80), Probe(A, ADDRESS[C][1], ICMPV6)]
    assert verdicts(cluster, *probes) == [Verdict.ACCEPTED] * 2


def test_neighbours_are_not_found_under_a_ruleset_that_drops_them(cluster: Cluster) -> None:
    load(cluster, "chain in { type filter hook input priority 0; icmpv6 type 133-137 drop; }")
    cluster.flush_neighbours()
    assert verdicts(cluster, Probe(A, ADDRESS[B][1], TCP, 80)) == [Verdict.DROPPED]
    cluster.clear()
    cluster.flush_neighbours()
    assert verdicts(cluster, Probe(A, ADDRESS[B][1], TCP, 80)) == [Verdict.ACCEPTED]


def test_multicast_listener_reports_reach_the_node(cluster: Cluster) -> None:
    """To all routers (ff02::2), to which a router listens, as a report may be sent."""
    ends = packed("fe80::2"), packed("ff02::2")

    def report(mark: bytes) -> bytes:
        message = packets.icmp(ends, (143, 0), bytes(4) + mark)
        return packets.ip(ends, ICMPV6, message)

    assert places(cluster.inject(A, report, "eth0")) == ["n1"]
    load(cluster, "chain in { type filter hook input priority 0; icmpv6 type 143 drop; }")
    assert cluster.inject(A, report, "eth0") == []


def test_a_pod_meets_the_input_hook_at_every_address_of_its_node(cluster: Cluster) -> None:
    load(cluster, "chain in { type filter hook input priority 0; iifname v0 tcp dport 80 drop; }")
    for address in ADDRESS["n2"]:
        assert verdicts(cluster, Probe(C, address, TCP, 80), Probe(A, address, TCP, 80)) == [
            Verdict.DROPPED,
            Verdict.ACCEPTED,
        ]


def test_host_network_pods_are_their_node(cluster: Cluster) -> None:
    load(cluster, "chain out { type filter hook output priority 0; udp dport 53 drop; }", ["n2"])
    probes = [Probe(source, ADDRESS[C][0], UDP, 53) for source in (HOST, "n2", OUTSIDE)]
    assert verdicts(cluster, *probes) == [Verdict.DROPPED, Verdict.DROPPED, Verdict.ACCEPTED]


CRASH = """
import sys, time
from netcluster.cluster import Cluster
from small_cluster import TOPOLOGY
with Cluster(TOPOLOGY) as cluster:
    names = [node.name for node in TOPOLOGY.nodes] + [pod.full_name for pod in TOPOLOGY.pods]
    print(*{cluster.namespace(name).path for name in names + ["outside"]}, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def doomed() -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    child = subprocess.Popen(
        [sys.executable, "-c", CRASH],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with child:
        yield child
        child.kill()


def test_a_crash_leaves_nothing(doomed: subprocess.Popen[str]) -> None:
    """A veth pair ends with either end's namespace: the near ends tell when the far ones went."""
    assert doomed.stdout is not None
    paths = doomed.stdout.readline().split()
    assert len(paths) == 6
    watch = Namespace()
    for number, path in enumerate(paths):
        watch.run(["ip", "link", "add", f"w{number}", "type", "veth", "peer", "netns", path])
    assert watch.run(["ip", "-o", "link"]).count("\n") == 7
    doomed.send_signal(signal.SIGKILL)
    doomed.wait()
    with pytest.raises(ProcessLookupError):
        os.killpg(doomed.pid, 0)
    deadline = time.monotonic() + 30
    while watch.run(["ip", "-o", "link"]).count("\n") > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert watch.run(["ip", "-o", "link"]).count("\n") == 1
    watch.close()


def test_a_build_that_fails_lets_go_of_everything() -> None:
    def descriptors() -> list[str]:
        return sorted(path.name for path in Path("/proc/self/fd").iterdir())

    before = descriptors()
    with (
        pytest.raises(ClusterError, match=r"10\.0\.0\.300"),
        Cluster(Topology((Node("n", ("10.0.0.300",)),))),
    ):
        pass
    assert descriptors() == before
