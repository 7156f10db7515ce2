"""--explain-pruned: which rules the ruleset does without, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from cnpc.compiler.cli.explain_pruned import explain
from cnpc.compiler.ir import Origin, Rule, Terminal
from cnpc.compiler.passes.prune import Pruned, Reason
from command import cnpc

CLUSTER = """\
apiVersion: v1
kind: Node
metadata: {name: n1}
---
apiVersion: v1
kind: Namespace
metadata: {name: red}
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: red}
spec: {nodeName: n1, containers: []}
status: {podIP: 10.0.0.1}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 1
  subject: {namespaces: {}}
  egress:
  - {name: low, action: Deny, to: [{networks: [10.0.0.0/9]}]}
  - {name: high, action: Deny, to: [{networks: [10.128.0.0/9]}]}
  - {name: office, action: Accept, to: [{networks: [10.64.0.0/10, 10.192.0.0/12]}]}
  - {name: none, action: Accept, to: [{namespaces: {matchLabels: {app: none}}}]}
  - {name: idle, action: Pass, to: [{networks: [192.0.2.0/24]}]}
"""


@pytest.mark.parametrize("level", ["1", "2"])
def test_each_reason_names_what_stands_for_the_rule(tmp_path: Path, level: str) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(CLUSTER)
    done = cnpc("compile", path, "-O", level, "--explain-pruned")
    lines = [line for line in done.err.splitlines() if "Admin guard egress[" in line]
    told = {line.split(":")[1].strip(): line.rpartition("' ")[2] for line in lines}
    low = "Admin guard egress[0] low"
    assert told["Admin guard egress[2] office"] == f"is covered by {low} +1"
    assert told["Admin guard egress[3] none"] == "matches nothing"
    assert told["Admin guard egress[4] idle"].startswith("changes nothing: ")


def test_nothing_is_pruned_at_level_0(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(CLUSTER)
    assert cnpc("compile", path, "-O", "0", "--explain-pruned").err == ""


def test_of_several_nodes_it_is_told_on_which(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    document = "---\napiVersion: v1\nkind: {}\nmetadata: {{name: {}}}\n"
    path.write_text(CLUSTER + document.format("Node", "n2"))
    done = cnpc("compile", path, "--explain-pruned", "-o", tmp_path / "rulesets")
    lines = [line for line in done.err.splitlines() if "Admin guard egress[" in line]
    assert lines
    assert all(line.endswith(", on n1") for line in lines)


def test_nodes_that_are_many_are_counted() -> None:
    rule = Rule((), Terminal.DROP, (Origin("Admin", "guard", "egress", 0, "low"),))
    pruned = [Pruned("egress", rule, Reason.EMPTY, ())]
    nodes = {f"n{number}": pruned for number in range(7)}
    (line,) = explain(nodes.items())
    assert line.endswith(" matches nothing, on all nodes")
    (line,) = explain([*nodes.items(), ("other", [])])
    assert line.endswith(" matches nothing, on n0, n1, n2, n3, n4 and 2 more")
