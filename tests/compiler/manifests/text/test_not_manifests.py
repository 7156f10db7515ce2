"""Files that lie beside manifests and are none, and what tools print in their place."""

from __future__ import annotations

from pathlib import Path

import pytest
from cnpc.compiler.cli.inputs import choose, this_node
from cnpc.compiler.errors import InputError
from cnpc.compiler.manifests.load import load
from cnpc.compiler.manifests.text.render_problems import render
from command import CLUSTER

POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: apps}
spec: {podSelector: {}}
"""
BESIDE = {
    "kustomization.yaml": ("resources: [policy.yaml]\n", "kustomize build"),
    "Chart.yaml": ("apiVersion: v2\nname: chart\n", "helm template"),
    "values.yaml": ("policies: {kind: NetworkPolicy}\n", "helm template"),
    "values-prod.yaml": ("---\nreplicas: 1\n---\nreplicas: 2\n", "helm template"),
}


@pytest.mark.parametrize("name", BESIDE)
def test_in_a_folder_it_is_passed_over_and_named(tmp_path: Path, name: str) -> None:
    text, tool = BESIDE[name]
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / name).write_text(text)
    inputs = load([str(tmp_path)])
    assert len(inputs.policies) == 1
    [warning] = inputs.warnings
    told = render([warning])
    assert told.startswith(f"{tmp_path / name}: warning: passed over: this is no manifest\n")
    assert tool in told


@pytest.mark.parametrize("name", BESIDE)
def test_if_it_is_named_itself_it_is_an_error(tmp_path: Path, name: str) -> None:
    text, tool = BESIDE[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        load([str(tmp_path / name)])
    assert all(tool in item.hint for item in caught.value.diagnostics)


def test_one_that_holds_a_policy_is_read(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(POLICY)
    assert len(load([str(tmp_path)]).policies) == 1
    (tmp_path / "values.yaml").write_text(POLICY + "---\nreplicas: 1\n")
    with pytest.raises(InputError):
        load([str(tmp_path)])
    (tmp_path / "values.yaml").write_text("replicas: {\n")
    with pytest.raises(InputError):
        load([str(tmp_path)])


def test_a_kustomization_is_named_though_it_is_an_object(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    (tmp_path / "kustomization.yaml").write_text(head + BESIDE["kustomization.yaml"][0])
    [warning] = load([str(tmp_path)]).warnings
    assert warning.message == "a Kustomization is not used: what it changes is not changed"
    assert "kustomize build" in warning.hint


def test_nodes_are_asked_for_where_there_are_none() -> None:
    for wanted in ([], ["n9"]):
        with pytest.raises(InputError) as caught:
            choose((), wanted)
        [error] = caught.value.diagnostics
        assert error.hint == "the input needs Node objects, or pods on nodes"


def test_a_node_is_the_one_of_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    host = type("Host", (), {"nodename": "Worker-1.example.com"})
    monkeypatch.setattr("os.uname", lambda: host)
    known = [item.name for item in load([str(CLUSTER)]).snapshot.nodes]
    assert this_node(known, None) == "worker-1"
    assert this_node([*known, "worker-1.example.com"], None) == "worker-1.example.com"
    assert this_node(known, "worker-2") == "worker-2"
