"""What -v says of input that has no part in the rulesets."""

from __future__ import annotations

from pathlib import Path

from cnpc.compiler.cli.output.unused_input import words_of_unused
from cnpc.compiler.manifests.load import OnUnknown, load

PODS = """
apiVersion: v1
kind: Pod
metadata: {name: host, namespace: a}
spec: {nodeName: n1, hostNetwork: true}
status: {phase: Running, podIP: 192.0.2.1}
---
apiVersion: v1
kind: Pod
metadata: {name: done, namespace: a}
spec: {nodeName: n1}
status: {phase: Succeeded, podIP: 10.0.0.2}
---
apiVersion: v1
kind: Pod
metadata: {name: new}
spec: {nodeName: n1}
---
apiVersion: v1
kind: Pod
metadata: {name: newer}
spec: {nodeName: n1}
status: {phase: Pending}
---
apiVersion: v1
kind: Pod
metadata: {name: odd, namespace: a}
spec: {nodeName: n1}
status: {phase: Running, podIP: 10.0.0.1.2}
---
apiVersion: v1
kind: Pod
metadata: {name: judged, namespace: a}
spec: {nodeName: n1}
status: {phase: Running, podIP: 10.0.0.3}
---
apiVersion: v1
kind: Service
metadata: {name: s, namespace: a}
"""


def words(folder: Path, text: str) -> list[str]:
    path = folder / "cluster.yaml"
    path.write_text(text)
    return list(words_of_unused(load([str(path)], on_unknown=OnUnknown.FAIL_CLOSED)))


def test_each_reason_names_its_pods(tmp_path: Path) -> None:
    assert words(tmp_path, PODS) == [
        "1 of v1/Service not used",
        "1 pod on the host's network, not judged: a/host",
        "1 pod that ended, not judged: a/done",
        "1 pod whose IP cannot be read, not judged: a/odd",
        "2 pods without an IP, not judged: default/new, default/newer",
    ]


def test_many_pods_are_counted(tmp_path: Path) -> None:
    pods = [
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p{number}}}\nspec: {{}}\n"
        for number in range(8)
    ]
    names = ", ".join(f"default/p{number}" for number in range(5))
    assert words(tmp_path, "---\n".join(pods)) == [
        f"8 pods without an IP, not judged: {names} and 3 more"
    ]
