"""Addresses that several pods have."""

from __future__ import annotations

from cnpc.compiler.manifests.load import OnUnknown
from cnpc.compiler.net import Family
from manifests import Manifest, faults, namespace, pod, read


def test_an_address_that_two_live_pods_have_is_an_error_that_names_both() -> None:
    text = faults(namespace("shop"), pod("b"), pod("a"))
    assert "<stdin>:2:" in text
    assert "pods shop/a and shop/b both have the address 10.0.0.1" in text
    assert "also: <stdin>:3:" in text


def test_a_pod_that_is_being_deleted_yields_its_address_with_a_warning() -> None:
    old = deleted(pod("old", podIPs=[{"ip": "fd00::1"}]), "2026-01-01T00:00:00Z")
    for objects in ((old, pod("new")), (pod("new"), old)):
        found = read(namespace("shop"), *objects)
        held = {item.name: item.addresses for item in found.snapshot.endpoints}
        assert held == {
            "new": ((Family.IPV4, 0x0A000001),),
            "old": ((Family.IPV6, (0xFD << 120) + 1),),
        }
        [warning] = found.warnings
        assert warning.message == (
            "pods shop/new and shop/old both have the address 10.0.0.1; "
            "shop/new has it, since shop/old is being deleted"
        )


def test_of_pods_that_are_being_deleted_the_one_that_goes_last_has_the_address() -> None:
    first = deleted(pod("b"), "2026-01-01T00:00:00Z")
    last = deleted(pod("a"), "2026-01-01T00:00:01Z")
    found = read(namespace("shop"), first, last)
    assert [item.name for item in found.snapshot.endpoints] == ["a"]
    assert "both have" in faults(
        namespace("shop"), first, deleted(pod("c"), "2026-01-01T00:00:00Z")
    )


def deleted(item: Manifest, when: str) -> Manifest:
    metadata = item["metadata"]
    assert isinstance(metadata, dict)
    return item | {"metadata": metadata | {"deletionTimestamp": when}}


def test_failing_closed_nobody_has_an_address_that_two_live_pods_claim() -> None:
    twins = pod("b"), pod("a", podIPs=[{"ip": "fd00::1"}], spec={"nodeName": "n2"})
    found = read(namespace("shop"), *twins, on_unknown=OnUnknown.FAIL_CLOSED)
    [left] = found.snapshot.endpoints
    assert (left.name, left.addresses) == ("a", ((Family.IPV6, (0xFD << 120) + 1),))
    address = (Family.IPV4, 0x0A000001)
    assert found.snapshot.contested == (("n1", address), ("n2", address))
    assert ["both have the address" in item.message for item in found.warnings] == [True]
