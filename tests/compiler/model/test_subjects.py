"""What of its subjects a policy depends on: as little as shares the most."""

from __future__ import annotations

from cnpc.compiler.model.policy import Direction
from cnpc.compiler.model.snapshot import ContainerPort
from cnpc.compiler.model.subjects import Subject, SubjectIndex, Traits, traits
from cnpc.compiler.net import Protocol
from lowered import NAMESPACES, cnp, inputs, namespace, node, np, pod

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


def test_policies_of_an_endpoint_are_those_that_select_its_namespace_and_its_labels() -> None:
    web = "{matchLabels: {app: web}}"
    pods = "pods: {{namespaceSelector: {{matchLabels: {{team: {}}}}}, podSelector: {}}}"
    found = inputs(
        node("n1"),
        namespace("red", "team: a"),
        namespace("blue", "team: b"),
        pod("red/web", "10.0.0.1"),
        pod("red/db", "10.0.0.2", labels="app: db"),
        pod("blue/web", "10.0.0.3"),
        cnp("everyone", priority=1),
        cnp("a", priority=2, subject=pods.format("a", "{}")),
        cnp("a-web", priority=3, subject=pods.format("a", web)),
        np("red/all", "Ingress"),
        np("red/web", "Ingress", selector=web),
        np("blue/web", "Ingress", selector=web),
    )
    namespaces = {item.name: item for item in found.snapshot.namespaces}
    index = SubjectIndex(found.policies)
    names = {
        f"{item.namespace}/{item.name}": {
            found.policies[number].name
            for number in index.policies_of(item, namespaces[item.namespace])
        }
        for item in found.snapshot.endpoints
    }
    assert names == {
        "red/web": {"everyone", "a", "a-web", "red/all", "red/web"},
        "red/db": {"everyone", "a", "red/all"},
        "blue/web": {"everyone", "blue/web"},
    }
