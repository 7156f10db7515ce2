"""The snapshot, and what contradicts itself in it."""

from __future__ import annotations

from cnpc.compiler.manifests.load import OnUnknown
from cnpc.compiler.manifests.text.render_problems import render
from cnpc.compiler.model.snapshot import NAMESPACE_NAME_LABEL
from cnpc.compiler.net import Family
from manifests import faults, namespace, pod, read


def test_failing_closed_what_is_no_address_is_none() -> None:
    item = pod("a", podIPs=[{"ip": "10.0.0.x"}, {"ip": "fd00::1"}], podIP="10.0.0.x")
    assert faults(namespace("shop"), item).count("'10.0.0.x' is not an IP address") == 2
    found = read(namespace("shop"), item, on_unknown=OnUnknown.FAIL_CLOSED)
    assert [endpoint.addresses for endpoint in found.snapshot.endpoints] == [
        ((Family.IPV6, (0xFD << 120) + 1),)
    ]
    assert len(found.warnings) == 2
    nothing = read(namespace("shop"), pod("a", podIP="x"), on_unknown=OnUnknown.FAIL_CLOSED)
    assert nothing.snapshot.endpoints == ()


def test_a_missing_namespace_is_made_with_one_warning() -> None:
    found = read(pod("a"), pod("b", podIP="10.0.0.2"))
    (made,) = found.snapshot.namespaces
    assert (made.name, made.labels) == ("shop", {NAMESPACE_NAME_LABEL: "shop"})
    (warning,) = found.warnings
    assert "'shop'" in warning.message
    assert render(found.warnings).startswith("<stdin>:1:76: warning: ")


def test_a_namespace_always_has_the_label_of_its_name() -> None:
    (found,) = read(namespace("shop", tenant="x")).snapshot.namespaces
    assert found.labels == {NAMESPACE_NAME_LABEL: "shop", "tenant": "x"}
