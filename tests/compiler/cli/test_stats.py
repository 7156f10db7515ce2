"""``cnpc stats`` from the command line."""

from __future__ import annotations

from pathlib import Path

from cnpc.compiler.manifests.load import load
from command import CLUSTER, CNPC, STORIES, cnpc, run
from schemas import checked

DENY = STORIES / "1-deny"


def test_the_table_has_sizes_means_and_pods() -> None:
    done = run(CNPC, "stats", CLUSTER, DENY, "--node", "worker-1")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("node worker-1")
    assert any(line.startswith("kernel memory, about") for line in lines)
    assert any(line.startswith("sensitive-ns/vault") for line in lines)


def test_the_table_sums_up_the_worst_and_the_mean_of_all_pods() -> None:
    options = (CLUSTER, STORIES / "2-allow", "--node", "worker-1", "-O", "1")
    table = run(CNPC, "stats", *options).out.splitlines()
    (level,) = checked(run(CNPC, "stats", *options, "--json").out)["levels"]
    for direction in ("egress", "ingress"):
        costs = [item["cost"] for item in level["lines"] if item["direction"] == direction]
        for what, key in (("rules", "rules"), ("look-ups", "lookups")):
            worst = max(cost[f"worst_{key}"] for cost in costs)
            mean = sum(cost[f"mean_{key}"] for cost in costs) / len(costs)
            assert f"{direction}: {what}, worst {worst}" in map(_joined, table)
            assert f"{direction}: {what}, mean {mean:.1f}" in map(_joined, table)


def _joined(line: str) -> str:
    return " ".join(line.split())


def test_json_has_a_line_for_every_pod_and_direction() -> None:
    done = run(CNPC, "stats", CLUSTER, DENY, "--node", "worker-1", "--json", "-O", "1")
    (found,) = checked(done.out)["levels"]
    assert (found["node"], found["level"]) == ("worker-1", 1)
    local = [item for item in load([str(CLUSTER)]).snapshot.endpoints if item.node == "worker-1"]
    assert [(line["pod"], line["direction"]) for line in found["lines"]] == [
        (f"{pod.namespace}/{pod.name}", direction)
        for pod in local
        for direction in ("egress", "ingress")
    ]
    for line in found["lines"]:
        cost = line["cost"]
        assert cost["worst_rules"] >= cost["mean_rules"] >= 1
        assert cost["worst_lookups"] >= cost["mean_lookups"] >= 0


def test_counts_are_those_of_the_compiled_text() -> None:
    text = run(CNPC, "compile", CLUSTER, DENY, "--node", "worker-1", "-O0").out
    done = run(CNPC, "stats", CLUSTER, DENY, "--node", "worker-1", "-O0", "--json")
    (found,) = checked(done.out)["levels"]
    lines = [line.strip() for line in text.splitlines()]
    size = found["size"]
    assert size["chains"] == sum(line.startswith("chain ") for line in lines)
    assert size["maps"] == sum(line.startswith("map ") for line in lines)
    named = sum(line.startswith("set ") for line in lines)
    assert size["sets"] == named + size["anonymous"]


def test_compare_shows_both_levels_side_by_side() -> None:
    options = (CLUSTER, DENY, "--node", "worker-1", "--compare", "-O0")
    table = run(CNPC, "stats", *options).out.splitlines()
    assert table[0].split()[2:] == ["-O2", "-O0"]
    levels = checked(run(CNPC, "stats", *options, "--json").out)["levels"]
    assert [item["level"] for item in levels] == [2, 0]


def test_iptables_is_counted_as_its_texts_are(tmp_path: Path) -> None:
    options = (CLUSTER, DENY, "--node", "worker-1", "--backend", "iptables")
    run(CNPC, "compile", *options, "-o", tmp_path)
    (found,) = checked(run(CNPC, "stats", *options, "--json").out)["levels"]
    lines = [
        line
        for end in ("v4", "v6")
        for line in (tmp_path / f"worker-1.{end}").read_text(encoding="utf-8").splitlines()
    ]
    assert found["size"]["rules"] == sum(line.startswith("-A ") for line in lines)
    assert found["size"]["maps"] == 0
    assert all(line["cost"]["worst_rules"] >= 2 for line in found["lines"])


def test_an_unknown_node_is_an_error() -> None:
    done = run(CNPC, "stats", CLUSTER, "--node", "worker-7")
    assert done.code == 2
    assert "no node 'worker-7'" in done.err


def test_a_node_without_pods_has_sizes_alone() -> None:
    bare = b"{apiVersion: v1, kind: Node, metadata: {name: lonely}}"
    done = run(CNPC, "stats", "-", "--node", "lonely", stdin=bare)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("node lonely")


def test_a_node_without_endpoints_is_told() -> None:
    node = b"{apiVersion: v1, kind: Node, metadata: {name: n1}}"
    done = run(CNPC, "stats", "-", "--node", "n1", stdin=node)
    assert done.code == 0
    assert done.out.endswith("\n\nno connection is judged: the node has no endpoint\n")


def test_the_warnings_are_those_of_compile(tmp_path: Path) -> None:
    wide = "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n"
    rule = "spec: {{tier: Admin, priority: 1, subject: {{namespaces: {{}}}}, ingress: [{}]}}\n"
    texts = [
        f"{wide}metadata: {{name: {name}}}\n" + rule.format(f"{{action: {action}, {peers}}}")
        for name, action, peers in (
            ("a", "Deny", "from: [{namespaces: {}}]"),
            ("b", "Accept", "from: [{namespaces: {}}]"),
        )
    ]
    idle = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
    idle += "metadata: {name: idle, namespace: gone}\nspec: {podSelector: {}}\n"
    (tmp_path / "in.yaml").write_text("---\n".join((*texts, idle)))
    options = (CLUSTER, tmp_path, "--node", "worker-1")
    warned = cnpc("stats", *options).err
    assert warned == cnpc("compile", *options).err
    assert warned.count(": warning: ") == 2
