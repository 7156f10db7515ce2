"""--explain-pruned: which rules the ruleset does without, and why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command import cnpc
from schemas import checked

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


BLUE = """\
---
apiVersion: v1
kind: Namespace
metadata: {name: blue}
"""
POD = """\
---
apiVersion: v1
kind: Pod
metadata: {{name: {0}, namespace: blue}}
spec: {{nodeName: {1}, containers: []}}
status: {{podIP: {2}}}
"""
EVERYONE = ", for every pod that it is for"


def told(text: str, path: Path, *options: str | Path) -> dict[str, str]:
    """Return what is said of each rule of the policy, by its name; IPv4 and egress alone."""
    path.write_text(text)
    done = cnpc("compile", path, "--explain-pruned", *options)
    lines = [line for line in done.err.splitlines() if "Admin guard egress[" in line]
    named = {re.findall(r"egress\[\d\] (\w+)", line)[0]: line for line in lines}
    return {name: line.rpartition("' ")[2] for name, line in named.items()}


@pytest.mark.parametrize("level", ["1", "2"])
def test_each_reason_names_what_stands_for_the_rule(tmp_path: Path, level: str) -> None:
    found = told(CLUSTER, tmp_path / "cluster.yaml", "-O", level)
    assert found["office"] == f"is covered by Admin guard egress[0] low +1{EVERYONE}"
    assert found["none"] == f"matches nothing{EVERYONE}"
    assert found["idle"] == f"changes nothing: the end of the tier does the same{EVERYONE}"


def test_nothing_is_pruned_at_level_0(tmp_path: Path) -> None:
    assert told(CLUSTER, tmp_path / "cluster.yaml", "-O", "0") == {}


BEFORE = """\
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: before}
spec:
  tier: Admin
  priority: 0
  subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: red}}}
  egress:
  - {name: open, action: Accept, to: [{networks: [10.0.0.0/8]}]}
"""


def test_it_is_told_for_which_pods_and_for_whom_the_rule_still_decides(tmp_path: Path) -> None:
    nodes = "---\napiVersion: v1\nkind: Node\nmetadata: {name: n2}\n"
    pods = POD.format("b", "n1", "10.0.0.2") + POD.format("c", "n2", "10.0.0.3")
    options = ("-o", tmp_path / "rulesets")
    found = told(CLUSTER + BLUE + nodes + pods + BEFORE, tmp_path / "in.yaml", *options)
    assert found["low"] == (
        "is covered by Admin before egress[0] open, for red/a; it still decides for blue/b, blue/c"
    )
    assert found["none"] == f"matches nothing{EVERYONE}"
    # For the others it is covered by another rule, which is another line.
    assert found["office"] == "is covered by Admin before egress[0] open, for red/a"


ISOLATION = """\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: isolation, namespace: red}
spec: {podSelector: {}, policyTypes: [Egress]}
"""


def test_what_is_left_of_rules_for_pods_to_themselves_tells_nothing(tmp_path: Path) -> None:
    """There a rule may be needless that decides for all others."""
    port = "protocols: [{tcp: {destinationPort: {number: 80}}}]"
    red = "namespaces: {matchLabels: {kubernetes.io/metadata.name: red}}"
    rules = f"""\
  - {{name: red, action: Deny, to: [{{{red}}}], {port}}}
  - {{name: all, action: Deny, to: [{{namespaces: {{}}}}], {port}}}
"""
    text = CLUSTER.partition("  - ")[0] + rules + ISOLATION + BLUE
    found = told(text + POD.format("b", "n1", "10.0.0.2"), tmp_path / "in.yaml")
    assert found == {"red": f"changes nothing: Admin guard egress[1] all does the same{EVERYONE}"}


def test_of_some_nodes_nothing_is_claimed_of_the_others(tmp_path: Path) -> None:
    nodes = "---\napiVersion: v1\nkind: Node\nmetadata: {name: n2}\n"
    found = told(CLUSTER + nodes, tmp_path / "in.yaml", "--node", "n1")
    assert found["none"] == f"matches nothing{EVERYONE} on the nodes compiled"


def test_pods_that_are_many_are_counted(tmp_path: Path) -> None:
    pods = "".join(POD.format(f"b{item}", "n1", f"10.0.1.{item}") for item in range(7))
    found = told(CLUSTER + BLUE + pods + BEFORE, tmp_path / "in.yaml")
    assert found["low"].endswith(
        "still decides for blue/b0, blue/b1, blue/b2, blue/b3, blue/b4 and 2 more"
    )


def test_json_has_the_same(tmp_path: Path) -> None:
    (tmp_path / "in.yaml").write_text(CLUSTER)
    words = ("compile", tmp_path / "in.yaml", "-o", tmp_path, "--json")
    assert checked(cnpc(*words).out)["pruned"] is None
    found = checked(cnpc(*words, "--explain-pruned").out)["pruned"]
    assert {
        "rule": "Admin guard egress[3] none",
        "test": found[1]["test"],
        "reason": "empty",
        "by": None,
        "pods": ["red/a"],
        "decides_for": [],
    } in found
