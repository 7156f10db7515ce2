"""JSON that is nested very deep, or has half a surrogate pair."""

from __future__ import annotations

import io
import json

import pytest
from cnpc.compiler.errors import InputError
from cnpc.compiler.manifests.load import load


@pytest.mark.parametrize("kind", ["Pod", "NetworkPolicy", "ConfigMap"])
def test_nesting_that_is_too_deep_is_told_where_it_gets_deep(kind: str) -> None:
    version = "networking.k8s.io/v1" if kind == "NetworkPolicy" else "v1"
    head = f'{{"apiVersion": "{version}", "kind": "{kind}", "metadata": {{"name": "a"}},\n'
    deep = '"spec": {"[": "\\"{",\n"a": ' + "[" * 3000 + "]" * 3000 + "}}"
    with pytest.raises(InputError) as caught:
        load(["-"], stdin=io.BytesIO((head + deep).encode()))
    [error] = caught.value.diagnostics
    assert (error.message, str(error.span)) == ("nested too deeply", "<stdin>:3:104")


def test_half_a_surrogate_pair_is_read_alike_in_files_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod("a", 1), pod("b", 2)]})
    data = text.replace('{"app": "b"}', '{"app": "\\udc00"}').encode()
    found = load(["-"], stdin=io.BytesIO(data)).snapshot
    monkeypatch.setattr("cnpc.compiler.manifests.text.documents.MOST_CHECKED", 0)
    assert load(["-"], stdin=io.BytesIO(data)).snapshot == found
    assert len(found.endpoints) == 2


def pod(name: str, number: int) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
        "spec": {"nodeName": "n1"},
        "status": {"podIP": f"10.0.0.{number}"},
    }
