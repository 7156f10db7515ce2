"""What of its subjects a policy depends on: as little as shares the most."""

from __future__ import annotations

from cnpc.compiler.net import Protocol
from cnpc.compiler.policy import Direction
from cnpc.compiler.snapshot import ContainerPort
from cnpc.compiler.subjects import Subject, Traits, traits
from lowered import NAMESPACES, cnp, inputs, namespace, node, pod

PORT = "protocols: [{destinationNamedPort: http}]"
NAMED_IN = f"action: Deny, from: [{{{NAMESPACES}}}], {PORT}"
NAMED_OUT = f"action: Deny, to: [{{{NAMESPACES}}}], {PORT}"
SAME = "action: Deny, to: [{pods: {namespaceSelector: {sameLabels: [team]}, podSelector: {}}}]"


def of(*policies: str) -> Traits:
    return traits(*inputs(node("n1"), *policies).policies)


def test_plain_policies_depend_on_nothing() -> None:
    plain = f"action: Deny, to: [{{{NAMESPACES}}}]"
    assert of(cnp(egress=[plain, NAMED_OUT])) == Traits(namespace=False, port_names=frozenset())


def test_names_of_ports_matter_at_ingress_and_same_labels_in_both_directions() -> None:
    assert of(cnp(ingress=[NAMED_IN])).port_names == {"http"}
    assert of(cnp(egress=[SAME])).namespace
    both = of(cnp("a", egress=[SAME]), cnp("b", ingress=[NAMED_IN]))
    assert both == Traits(namespace=True, port_names=frozenset({"http"}))


def test_subjects_keep_only_what_matters() -> None:
    snapshot = inputs(
        node("n1"), namespace("red"), pod("red/a", "10.0.0.1", ports="http=tcp/80 x=udp/1")
    ).snapshot
    [endpoint] = snapshot.endpoints
    ports = tuple(port for port in endpoint.ports if port.name == "http")
    assert Traits(namespace=False, port_names=frozenset()).subject(endpoint) == Subject("", ())
    named = Traits(namespace=False, port_names=frozenset({"http"}))
    assert named.subject(endpoint) == Subject("", ports)
    assert Traits(namespace=True, port_names=frozenset()).subject(endpoint) == Subject("red", ())


def test_port_names_matter_at_ingress_alone() -> None:
    subject = Subject("red", (ContainerPort("web", Protocol.TCP, 80),))
    assert subject.judged(Direction.INGRESS) is subject
    assert subject.judged(Direction.EGRESS) == Subject("red", ())
