"""Flows as people name them: protocols with their ports, and ends with their addresses."""

from __future__ import annotations

import pytest
from cnpc.compiler.errors import CnpcError
from cnpc.compiler.flows import End, Ends, Flow, protocol_of
from cnpc.compiler.manifests.load import OnUnknown
from cnpc.compiler.net import Family, Protocol
from manifests import namespace, node, pod, read

V4, V6 = Family.IPV4, Family.IPV6
WEB = pod("web", podIPs=[{"ip": "10.0.0.1"}, {"ip": "fd00::1"}])
NODE = node("n1", "192.0.2.1", "192.0.2.9", "fd00::9")


@pytest.fixture(scope="module")
def ends() -> Ends:
    return Ends(read(namespace("shop"), NODE, WEB))


@pytest.mark.parametrize(
    ("protocol", "port", "number"),
    [
        ("tcp", 0, Protocol.TCP),
        ("UDP", 65535, Protocol.UDP),
        (132, 1, Protocol.SCTP),
        (0, None, 0),
        (255, None, 255),
        ("icmp", None, None),
    ],
)
def test_a_protocol_and_its_port_go_together(
    protocol: str | int, port: int | None, number: int | None
) -> None:
    assert protocol_of(Flow("a", "b", protocol, port)) == number


@pytest.mark.parametrize(
    ("protocol", "port", "message"),
    [
        ("tcp", None, "protocol tcp needs a port: a -> b tcp"),
        ("icmp", 8, "protocol icmp has no port: a -> b icmp/8"),
        (47, 0, "protocol 47 has no port: a -> b 47/0"),
        ("sctp", -1, "port -1 is not from 0 to 65535"),
        ("sctp", 65536, "port 65536 is not from 0 to 65535"),
        (-1, None, "protocol -1 is not from 0 to 255"),
        (256, None, "protocol 256 is not from 0 to 255"),
        ("gre", None, "no protocol 'gre': there are tcp, udp, sctp, icmp, or give its number"),
    ],
)
def test_what_does_not_go_together_is_told(
    protocol: str | int, port: int | None, message: str
) -> None:
    with pytest.raises(CnpcError) as caught:
        protocol_of(Flow("a", "b", protocol, port))
    assert str(caught.value) == message


def test_a_pod_is_judged_on_its_node(ends: Ends) -> None:
    found = ends.find("shop/web")
    assert found == End({V4: 0x0A000001, V6: (0xFD00 << 112) + 1}, ("n1",))


def test_a_node_has_its_first_address_of_each_family_and_judges_nothing(ends: Ends) -> None:
    assert ends.find("n1") == End({V4: 0xC0000201, V6: (0xFD00 << 112) + 9}, node="n1")


def test_an_address_is_its_owner_s_in_one_family(ends: Ends) -> None:
    assert ends.find("fd00::1") == End({V6: (0xFD00 << 112) + 1}, ("n1",))
    assert ends.find("192.0.2.9") == End({V4: 0xC0000209}, node="n1")
    assert ends.find("198.51.100.1") == End({V4: 0xC6336401})


def test_an_address_of_several_pods_is_judged_on_all_their_nodes() -> None:
    pods = (pod(name, spec={"nodeName": at}) for name, at in (("a", "n1"), ("b", "n2")))
    cluster = read(
        namespace("shop"), node("n1"), node("n2"), *pods, on_unknown=OnUnknown.FAIL_CLOSED
    )
    found = Ends(cluster).find("10.0.0.1")
    assert found.addresses == {V4: 0x0A000001}
    assert sorted(found.judged_on) == ["n1", "n2"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shop/wbe", "no pod 'shop/wbe' in the cluster"),
        ("n2", "no node or address 'n2' in the cluster"),
        ("10.0.0.256", "no node or address '10.0.0.256' in the cluster"),
    ],
)
def test_an_end_that_is_not_there_is_told(ends: Ends, name: str, message: str) -> None:
    with pytest.raises(CnpcError) as caught:
        ends.find(name)
    assert str(caught.value) == message


def test_a_pod_that_is_no_endpoint_is_told_with_the_reason() -> None:
    ended = read(namespace("shop"), node("n1"), pod("job", phase="Succeeded"))
    with pytest.raises(CnpcError) as caught:
        Ends(ended).find("shop/job")
    assert str(caught.value) == "pod shop/job is among the pods that ended: give an address instead"
