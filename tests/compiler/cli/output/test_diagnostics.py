"""The warning about rulesets that take long to load, and where it is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cnpc.compiler.cli.output.diagnostics import many_sets
from cnpc.compiler.passes.cost_model import MOST_SETS
from command import CNPC, run


def _object(kind: str, name: str, spec: dict[str, Any], version: str = "v1") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "n", "labels": {"app": name}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _cluster(peers: int) -> dict[str, Any]:
    """Return a pod with a policy that lets in so many others, each to a port of its own."""
    pods = [
        {
            **_object("Pod", f"p{number}", {"nodeName": "one" if number == 0 else "two"}),
            "status": {"podIP": f"10.0.{number // 250}.{number % 250 + 1}", "phase": "Running"},
        }
        for number in range(2 * peers + 1)
    ]
    ingress = [
        {
            "from": [
                {"podSelector": {"matchLabels": {"app": f"p{2 * number + which}"}}}
                for which in (1, 2)
            ],
            "ports": [{"port": number + 1}],
        }
        for number in range(peers)
    ]
    target = {"podSelector": {"matchLabels": {"app": "p0"}}, "ingress": ingress}
    policy = _object("NetworkPolicy", "many", target, "networking.k8s.io/v1")
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    return {"apiVersion": "v1", "kind": "List", "items": [space, *pods, policy]}


def test_at_the_edge() -> None:
    assert many_sets({"a": MOST_SETS}) == ()
    (found,) = many_sets({"a": MOST_SETS + 1})
    assert "node a has 501 sets and maps, above 500" in found.message
    (found,) = many_sets({"a": 501, "b": 1200, "c": 500})
    assert "node b has 1,200 sets and maps, above 500, and 1 more node has" in found.message


@pytest.mark.parametrize("peers", [10, 600])
def test_compile_and_stats_warn(tmp_path: Path, peers: int) -> None:
    path = tmp_path / "cluster.json"
    path.write_text(json.dumps(_cluster(peers)), encoding="utf-8")
    for words in (("compile", "-q"), ("stats", "--json")):
        done = run(CNPC, words[0], path, "--node", "one", "-O0", *words[1:])
        assert done.code == 0
        assert ("sets and maps, above 500" in done.err) == (peers > MOST_SETS)
