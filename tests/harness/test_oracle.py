"""The oracle against hand-made cases: what is held against it must itself be held."""

from __future__ import annotations

import pytest
from oracle import Flow, Hop, Oracle
from oracle.flow import TCP, UDP
from semantics import Case, load_cases

CASES = load_cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    oracle = Oracle(case.documents, own_node=case.own_node, fail_closed=case.unknown)
    wrong = [
        f"{probe.flow}\n{judgement}"
        for probe in case.probes
        if (judgement := oracle.judge(probe.flow)).allowed != probe.allowed
    ]
    assert not wrong, "\n\n".join(wrong)


CLUSTER = CASES[0].documents
CLIENT, RED_WEB, BLUE_WEB = "10.244.1.10", "10.244.1.11", "10.244.2.10"
N1, OUTSIDE = "172.18.0.11", "198.51.100.7"


@pytest.mark.parametrize(
    ("source", "destination", "hops"),
    [
        (CLIENT, BLUE_WEB, (("n1", "forward", ("egress",)), ("n2", "forward", ("ingress",)))),
        (CLIENT, RED_WEB, (("n1", "forward", ("egress", "ingress")),)),
        (CLIENT, N1, (("n1", "input", ("egress",)),)),
        (BLUE_WEB, N1, (("n2", "forward", ("egress",)),)),
        (N1, CLIENT, ()),
        (N1, BLUE_WEB, (("n2", "forward", ("ingress",)),)),
        (OUTSIDE, CLIENT, (("n1", "forward", ("ingress",)),)),
        (CLIENT, CLIENT, ()),
        (OUTSIDE, N1, ()),
    ],
)
def test_which_hook_judges_which_direction(
    source: str, destination: str, hops: tuple[tuple[str, str, tuple[str, ...]], ...]
) -> None:
    flow = Flow(source, destination, TCP, 80)
    assert Oracle(CLUSTER).per_node(flow) == tuple(Hop(*hop) for hop in hops)


def test_the_answer_to_a_denied_sender() -> None:
    documents = CASES[0].documents
    tcp, udp = Flow(CLIENT, BLUE_WEB, TCP, 80), Flow(CLIENT, BLUE_WEB, UDP, 100)
    assert Oracle(documents).judge(tcp).answer is None
    assert Oracle(documents, deny_with="reject").judge(tcp).answer == "reset"
    assert Oracle(documents, deny_with="reject").judge(udp).answer == "prohibited"
    allowed = Flow(CLIENT, BLUE_WEB, TCP, 81)
    assert Oracle(documents, deny_with="reject").judge(allowed).answer is None


def test_why_a_flow_is_denied() -> None:
    judgement = Oracle(CASES[0].documents).judge(Flow(CLIENT, BLUE_WEB, TCP, 80))
    assert str(judgement) == (
        "egress denied on n1: Admin released rule 0: Deny\ningress allowed on n2: no tier decides"
    )


def test_two_live_pods_with_one_ip_are_refused() -> None:
    twin = {
        "kind": "Pod",
        "metadata": {"name": "twin", "namespace": "red"},
        "spec": {"containers": []},
        "status": {"phase": "Running", "podIP": CLIENT},
    }
    with pytest.raises(ValueError, match=r"red/client and red/twin both have 10\.244\.1\.10"):
        Oracle([*CLUSTER, twin])
