"""Which objects are read, and which are named that are not."""

from __future__ import annotations

import io
import json

import pytest
from cnpc.compiler.manifests.load import Inputs, load


def read(*names: tuple[str, str]) -> Inputs:
    items = [
        {"apiVersion": version, "kind": kind, "metadata": {"name": f"x{number}"}, "spec": {}}
        for number, (version, kind) in enumerate(names)
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    return load(["-"], stdin=io.BytesIO(text.encode()))


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("cilium.io/v2", "CiliumNetworkPolicy"),
        ("cilium.io/v2", "CiliumClusterwideNetworkPolicy"),
        ("crd.projectcalico.org/v1", "GlobalNetworkPolicy"),
        ("projectcalico.org/v3", "NetworkPolicy"),
        ("crd.antrea.io/v1beta1", "ClusterNetworkPolicy"),
        ("networking.k8s.aws/v1alpha1", "ClusterNetworkPolicy"),
        ("networking.k8s.aws/v1alpha1", "ApplicationNetworkPolicy"),
        ("k8s.cni.cncf.io/v1beta1", "MultiNetworkPolicy"),
        ("networking.gke.io/v1alpha1", "FQDNNetworkPolicy"),
        ("k8s.ovn.org/v1", "EgressFirewall"),
    ],
)
def test_policies_of_other_projects_are_named_once(version: str, kind: str) -> None:
    found = read((version, kind), (version, kind))
    (warning,) = found.warnings
    assert warning.message == (
        f"another project's policies are not compiled: 2 of {version}/{kind}"
    )
    assert found.passed_over == {f"{version}/{kind}": 2}
    assert ("clusternetworkpolicies." in warning.hint) == (
        kind in ("ClusterNetworkPolicy", "CiliumNetworkPolicy")
    )


def test_what_is_no_policy_is_passed_over_in_silence() -> None:
    found = read(("apps/v1", "Deployment"), ("projectcalico.org/v3", "StagedNetworkPolicy"))
    assert found.warnings == ()
    assert len(found.passed_over) == 2
