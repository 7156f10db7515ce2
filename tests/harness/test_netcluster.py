"""The cluster itself: without a ruleset all is open, with one exactly what it stops is stopped."""

from __future__ import annotations

import socket

import pytest
from cnpc.compiler.model import snapshot
from cnpc.compiler.net import parse_address
from netcluster import (
    ICMP,
    ICMPV6,
    OUTSIDE,
    SCTP,
    TCP,
    UDP,
    Cluster,
    ClusterError,
    Node,
    Pod,
    Probe,
    Topology,
    Verdict,
    check,
    routable,
)
from netcluster.probes import differences, table
from small_cluster import ADDRESS, HOST, A, B, C, forward_drop, load, verdicts

pytestmark = pytest.mark.requires_root_and_nft

GRE = 47
ANY_PROTOCOL = 253  # RFC 3692: for experiments
CUT = "chain cut { type filter hook forward priority -1; ct state new drop; }"
ESTABLISHED = "ct state established accept;"


def everything() -> list[Probe]:
    """Every way between two names, in every protocol."""
    return [
        Probe(source, destination, protocol, port)
        for source in ADDRESS
        for target in ADDRESS
        for destination in ADDRESS[target]
        for protocol, port in (
            (TCP, 80),
            (UDP, 53),
            (SCTP, 9003),
            (ICMPV6 if ":" in destination else ICMP, 0),
        )
    ]


def test_without_ruleset_everything_is_reachable(cluster: Cluster) -> None:
    probes = everything()
    results = cluster.probe(probes)
    check(results, [Verdict.ACCEPTED] * len(probes))
    homes = {address: name for name in (A, B, C, "n1", "n2", OUTSIDE) for address in ADDRESS[name]}
    for result in results:
        assert result.arrival is not None
        assert result.arrival.where == homes[result.probe.destination]
        assert result.arrival.destination == result.probe.destination == result.answered_by


def test_any_port_answers(cluster: Cluster) -> None:
    probes = [
        Probe(A, ADDRESS[C][0], protocol, port)
        for protocol in (TCP, UDP, SCTP)
        for port in (0, 1, 22, 1023, 1024, 32768, 65535)
    ]
    check(cluster.probe(probes), [Verdict.ACCEPTED] * len(probes))


@pytest.mark.parametrize("family", [0, 1])
def test_dropping_one_port_drops_nothing_else(cluster: Cluster, family: int) -> None:
    load(cluster, "chain forward { type filter hook forward priority 0; tcp dport 80 drop; }")
    for target in (B, C, OUTSIDE):
        address = ADDRESS[target][family]
        assert verdicts(
            cluster,
            Probe(A, address, TCP, 80),
            Probe(A, address, TCP, 81),
            Probe(A, address, UDP, 80),
            Probe(A, address, SCTP, 80),
        ) == [Verdict.DROPPED, *[Verdict.ACCEPTED] * 3]
    local = [Probe(A, ADDRESS["n1"][family], TCP, 80), Probe("n1", ADDRESS[A][family], TCP, 80)]
    assert verdicts(cluster, *local) == [Verdict.ACCEPTED] * 2


def test_forward_drop_stops_pods_and_not_their_node(cluster: Cluster) -> None:
    load(cluster, forward_drop(""), ["n1"])
    probes = everything()
    local = {*ADDRESS["n1"]}
    pods = {A: {*ADDRESS[A]}, B: {*ADDRESS[B]}}
    behind = pods[A] | pods[B]

    def expected(probe: Probe) -> Verdict:
        if probe.source in pods:
            own = probe.destination in local | pods[probe.source]
            return Verdict.ACCEPTED if own else Verdict.DROPPED
        forwarded = probe.destination in behind and probe.source != "n1"
        return Verdict.DROPPED if forwarded else Verdict.ACCEPTED

    check(cluster.probe(probes), [expected(probe) for probe in probes])


def test_input_drop_stops_only_what_is_for_the_node(cluster: Cluster) -> None:
    load(cluster, "chain in { type filter hook input priority 0; iif != lo udp dport 53 drop; }")
    assert verdicts(
        cluster,
        Probe(A, ADDRESS["n1"][0], UDP, 53),
        Probe(A, ADDRESS[HOST][1], UDP, 53),
        Probe(A, ADDRESS["n1"][0], UDP, 54),
        Probe(A, ADDRESS[C][1], UDP, 53),
        Probe(HOST, ADDRESS["n2"][0], UDP, 53),
    ) == [Verdict.DROPPED, Verdict.DROPPED, *[Verdict.ACCEPTED] * 3]


def test_output_drop_is_a_drop(cluster: Cluster) -> None:
    load(cluster, "chain out { type filter hook output priority 0; udp dport 53 drop; }")
    probes = [Probe("n1", ADDRESS[C][0], UDP, 53), Probe(HOST, ADDRESS[C][1], UDP, 53)]
    assert verdicts(cluster, *probes) == [Verdict.DROPPED] * 2


@pytest.mark.parametrize("family", [0, 1])
def test_reject_is_told_from_drop(cluster: Cluster, family: int) -> None:
    load(
        cluster,
        forward_drop(
            "tcp dport 80 reject with tcp reset; tcp dport 81 drop;"
            " reject with icmpx type admin-prohibited;"
        ),
        ["n1"],
    )
    address = ADDRESS[C][family]
    ping = (ICMP, ICMPV6)[family]
    prohibited = ("icmp 3.13", "icmp 1.1")[family]
    results = cluster.probe(
        [
            Probe(A, address, TCP, 80),
            Probe(A, address, TCP, 81),
            *(Probe(A, address, protocol, 9) for protocol in (UDP, SCTP, ping, GRE)),
        ]
    )
    answers = [(result.verdict, result.answer, result.answered_by) for result in results]
    node = ADDRESS["n1"][family]
    assert answers == [
        (Verdict.REJECTED, "reset", address),
        (Verdict.DROPPED, "", ""),
        *[(Verdict.REJECTED, prohibited, node)] * 4,
    ]


def test_many_rejects_meet_no_rate_limit(cluster: Cluster) -> None:
    load(cluster, forward_drop("reject with icmpx type admin-prohibited;"), ["n1"])
    probes = [Probe(A, ADDRESS[C][number % 2], UDP, number) for number in range(2000)]
    check(cluster.probe(probes), [Verdict.REJECTED] * len(probes))


def test_input_reject_is_told_from_the_nodes_own_reset(cluster: Cluster) -> None:
    load(
        cluster,
        "chain in { type filter hook input priority 0; tcp dport 80 reject with tcp reset; }",
    )
    probes = [Probe(A, ADDRESS["n1"][0], TCP, 80), Probe(A, ADDRESS["n1"][0], TCP, 81)]
    assert verdicts(cluster, *probes) == [Verdict.REJECTED, Verdict.ACCEPTED]


def test_a_lost_answer_is_one_way(cluster: Cluster) -> None:
    load(
        cluster, "chain forward { type filter hook forward priority 0; tcp sport 80 drop; }", ["n2"]
    )
    [result] = cluster.probe([Probe(A, ADDRESS[C][0], TCP, 80)])
    assert result.verdict is Verdict.ONE_WAY
    assert not result.accepted


def test_conntrack_lets_answers_back_in(cluster: Cluster) -> None:
    ports = (
        "tcp dport 80 accept; udp dport 53 accept; sctp dport 9003 accept;"
        "icmp type echo-request accept;"
    )
    load(cluster, forward_drop(ESTABLISHED + ports))
    allowed = [
        Probe(A, ADDRESS[C][0], TCP, 80),
        Probe(A, ADDRESS[C][1], UDP, 53),
        Probe(A, ADDRESS[C][0], SCTP, 9003),
        Probe(A, ADDRESS[C][0], ICMP),
    ]
    assert verdicts(cluster, *allowed) == [Verdict.ACCEPTED] * 4
    assert verdicts(cluster, *allowed) == [Verdict.ACCEPTED] * 4
    refused = [Probe(A, ADDRESS[C][0], SCTP, 9005), Probe(A, ADDRESS[C][1], ICMPV6)]
    assert verdicts(cluster, *refused) == [Verdict.DROPPED] * 2


def test_without_the_established_rule_answers_are_lost(cluster: Cluster) -> None:
    load(cluster, forward_drop("tcp dport 80 accept; sctp dport 9003 accept;"))
    probes = [Probe(A, ADDRESS[C][0], TCP, 80), Probe(A, ADDRESS[C][1], SCTP, 9003)]
    assert verdicts(cluster, *probes) == [Verdict.ONE_WAY] * 2


@pytest.mark.parametrize("protocol", [GRE, 4, 50, ANY_PROTOCOL])
def test_protocols_without_ports_are_judged_anew_each_time(cluster: Cluster, protocol: int) -> None:
    probe = Probe(A, ADDRESS[C][0], protocol)
    assert verdicts(cluster, probe) == [Verdict.ACCEPTED]
    load(cluster, forward_drop(f"{ESTABLISHED} ip saddr {ADDRESS[A][0]} accept;"))
    assert verdicts(cluster, probe) == [Verdict.ACCEPTED]
    back = Probe(C, ADDRESS[A][0], protocol)
    assert verdicts(cluster, back, probe, back) == [
        Verdict.DROPPED,
        Verdict.ACCEPTED,
        Verdict.DROPPED,
    ]


def test_outside_owns_every_other_address(cluster: Cluster) -> None:
    addresses = ["8.8.8.8", "10.0.0.0", "223.255.255.255", "240.0.0.1", "2001:db8::", "fd00::1"]
    probes = [Probe(A, address, UDP, 53) for address in addresses]
    probes += [Probe(OUTSIDE, ADDRESS[C][":" in own], UDP, 53, own) for own in addresses]
    check(cluster.probe(probes), [Verdict.ACCEPTED] * len(probes))
    load(cluster, forward_drop("ip saddr 10.0.0.0 accept; ip daddr 10.0.0.0 accept;"))
    assert [
        str(probe.source_address or probe.destination)
        for probe in probes
        if cluster.probe([probe])[0].accepted
    ] == ["10.0.0.0"] * 2


def test_a_packet_lost_once_is_not_a_drop(cluster: Cluster) -> None:
    load(
        cluster,
        "chain forward { type filter hook forward priority 0;"
        " tcp flags & (syn | ack) == syn numgen inc mod 2 0 drop; }",
        ["n1"],
    )
    probes = [Probe(A, ADDRESS[C][0], TCP, port) for port in (80, 81, 82)]
    results = [cluster.probe([probe])[0] for probe in probes]
    check(results, [Verdict.ACCEPTED] * 3)


def test_a_refused_ruleset_says_why(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="syntax error"):
        cluster.load("n1", "table inet t { nonsense }")


def test_clear_leaves_no_table_of_the_ruleset(cluster: Cluster) -> None:
    load(cluster, forward_drop(""))
    cluster.clear()
    assert "table inet t " not in cluster.run("n1", ["nft", "list", "tables"])
    assert verdicts(cluster, Probe(A, ADDRESS[C][0], TCP, 80)) == [Verdict.ACCEPTED]


def test_connections_are_told_from_probes(cluster: Cluster) -> None:
    """Real sockets work beside the probes, and keep working once established."""
    with (
        cluster.socket(C, socket.AF_INET, socket.SOCK_STREAM) as server,
        cluster.socket(A, socket.AF_INET, socket.SOCK_STREAM) as client,
    ):
        load(cluster, forward_drop("ct state new accept;" + ESTABLISHED))
        server.bind((ADDRESS[C][0], 80))
        server.listen()
        client.settimeout(5)
        client.connect((ADDRESS[C][0], 80))
        with server.accept()[0] as accepted:
            accepted.settimeout(5)
            load(cluster, CUT)
            assert verdicts(cluster, Probe(A, ADDRESS[C][0], TCP, 80)) == [Verdict.DROPPED]
            client.sendall(b"still here")
            assert accepted.recv(64) == b"still here"


def test_names_come_from_a_snapshot() -> None:
    v4, v6 = parse_address("10.0.0.2"), parse_address("fd00::2")
    seen = snapshot.Snapshot(
        (),
        (snapshot.Node("n", {}, (parse_address("172.18.0.1"),)),),
        (snapshot.Endpoint("ns", "p", "n", {}, (v4, v6)),),
    )
    host = Pod("ns", "h", "n", ("172.18.0.1",), host_network=True)
    topology = Topology.from_snapshot(seen, [host])
    assert topology == Topology(
        (Node("n", ("172.18.0.1",)),), (Pod("ns", "p", "n", ("10.0.0.2", "fd00::2")), host)
    )
    with Cluster(topology) as cluster:
        probes = [Probe("ns/p", "172.18.0.1", TCP, 1), Probe(OUTSIDE, "fd00::2", TCP, 1)]
        assert verdicts(cluster, *probes) == [Verdict.ACCEPTED] * 2


def test_topology_refuses_what_cannot_be_named() -> None:
    with pytest.raises(ValueError, match="unknown nodes: nowhere"):
        Topology((), (Pod("t", "a", "nowhere", ()),))
    with pytest.raises(ValueError, match="names must differ"):
        Topology((Node(OUTSIDE, ()),))


def test_a_source_without_the_family_is_an_error(cluster: Cluster) -> None:
    with pytest.raises(LookupError, match="t/a has no AF_INET6 address"):
        Topology((Node("n", ()),), (Pod("t", "a", "n", ("10.0.0.1",)),)).address(A, socket.AF_INET6)
    with pytest.raises(KeyError):
        cluster.probe([Probe("t/nobody", "10.0.0.1", TCP, 1)])


def test_differences_are_shown_as_a_table(cluster: Cluster) -> None:
    load(cluster, forward_drop(""))
    results = cluster.probe([Probe(A, ADDRESS[C][0], TCP, 80), Probe(A, ADDRESS["n1"][0], ICMP)])
    rows = differences(results, [Verdict.ACCEPTED, Verdict.ACCEPTED])
    assert table(rows).splitlines() == [
        "probe                     expected  observed",
        "t/a -> 10.244.2.2 TCP 80  accepted  dropped",
    ]
    with pytest.raises(AssertionError, match="1 of 2 probes differ"):
        check(results, [Verdict.ACCEPTED, Verdict.ACCEPTED])


@pytest.mark.parametrize(
    ("address", "can"),
    [
        ("10.0.0.0", True),
        ("0.255.255.255", False),
        ("127.1.1.1", False),
        ("223.255.255.255", True),
        ("224.0.0.1", False),
        ("240.0.0.0", True),
        ("255.255.255.255", False),
        ("::1", False),
        ("::ffff:10.0.0.1", False),
        ("1::", True),
        ("fe80::1", False),
        ("febf::1", False),
        ("fec0::1", True),
        ("ff02::1", False),
    ],
)
def test_routable_addresses_are_reached_and_no_others(
    cluster: Cluster,
    address: str,
    can: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert routable(address) is can
    if can:
        assert verdicts(cluster, Probe(A, address, UDP, 53)) == [Verdict.ACCEPTED]


def test_sixty_pods_on_three_nodes() -> None:
    nodes = tuple(Node(f"n{k}", (f"172.18.0.{k + 1}", f"fd00:18::{k + 1:x}")) for k in range(3))
    pods = tuple(
        Pod("big", f"p{k}", f"n{k % 3}", (f"10.1.0.{k + 1}", f"fd00:1::{k + 1:x}"))
        for k in range(60)
    )
    with Cluster(Topology(nodes, pods)) as cluster:
        probes = [
            Probe(source.full_name, target.addresses[number % 2], TCP, 80)
            for number, source in enumerate(pods)
            for target in pods
        ]
        check(cluster.probe(probes), [Verdict.ACCEPTED] * len(probes))
