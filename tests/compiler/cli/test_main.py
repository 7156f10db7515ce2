"""The command line, as a process: what goes where, and how it ends."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from command import CLUSTER, STORIES, cnpc, contents

DENY = STORIES / "1-deny"
NODES = ("worker-1", "worker-2")


def test_one_node_goes_to_standard_output() -> None:
    done = cnpc("compile", CLUSTER, DENY, "--node", "worker-1")
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith("# Network policy of node worker-1, compiled by cnpc ")
    assert done.out.endswith("}\n")


def test_a_directory_gets_a_file_for_each_node(tmp_path: Path) -> None:
    done = cnpc("compile", CLUSTER, DENY, "-o", tmp_path / "deep" / "er")
    assert (done.code, done.out, done.err) == (0, "", "")
    written = contents(tmp_path / "deep" / "er")
    assert set(written) == {f"{node}.nft" for node in NODES}
    for node in NODES:
        assert written[f"{node}.nft"] == cnpc("compile", CLUSTER, DENY, "--node", node).out


def test_iptables_gets_three_files_for_each_node(tmp_path: Path) -> None:
    done = cnpc("compile", CLUSTER, DENY, "--backend", "iptables", "-o", tmp_path)
    assert (done.code, done.out, done.err) == (0, "", "")
    wanted = {f"{node}.{suffix}" for node in NODES for suffix in ("ipset", "v4", "v6")}
    assert set(contents(tmp_path)) == wanted


def test_iptables_needs_a_directory() -> None:
    done = cnpc("compile", CLUSTER, DENY, "--backend", "iptables", "--node", "worker-1")
    assert (done.code, done.out) == (2, "")
    assert "--backend iptables makes .ipset, .v4, .v6 files: -o DIR" in done.err


def test_passes_belong_to_backends() -> None:
    options = ("--node", "worker-1", "--print-after", "split_ports")
    done = cnpc("compile", CLUSTER, DENY, *options)
    assert (done.code, done.out) == (2, "")
    assert "-O2 has no pass 'split_ports' with --backend nftables; it is in -O2" in done.err
    assert "it is in -O2 with --backend iptables" in done.err
    done = cnpc("compile", CLUSTER, DENY, *options, "--backend", "iptables", "-O2")
    assert done.code == 0
    assert done.out.startswith('program "worker-1"')


def test_a_dash_is_standard_output() -> None:
    one = ("compile", CLUSTER, DENY, "--node", "worker-1")
    assert cnpc(*one, "-o", "-").out == cnpc(*one).out
    done = cnpc("compile", CLUSTER, DENY, "-o", "-")
    assert (done.code, done.out) == (2, "")
    assert "2 nodes: -o DIR" in done.err


@pytest.mark.parametrize(
    ("word", "meant"),
    [("complie", "compile"), ("aply", "apply"), ("validate", "compile"), ("delete", "flush")],
)
def test_a_command_that_is_misspelt_has_a_suggestion(word: str, meant: str) -> None:
    done = cnpc(word)
    assert (done.code, done.out) == (2, "")
    assert f"No such command '{word}'. Did you mean 'cnpc {meant}'?" in done.err


def test_a_file_is_no_folder_for_the_output(tmp_path: Path) -> None:
    done = cnpc("compile", CLUSTER, "--node", "worker-1", "-o", tmp_path / "worker-1.nft")
    assert done.code == 2
    assert "worker-1.nft is the name of a file, and -o takes a folder" in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("https://example.com/p.yaml", "curl -fsSL https://example.com/p.yaml | cnpc compile -"),
        ("policies/*.yaml", "nothing matched the '*'"),
    ],
)
def test_a_path_that_is_none_has_a_hint(path: str, hint: str) -> None:
    assert hint in cnpc("compile", path).err


def test_a_command_like_no_other_has_the_list() -> None:
    assert "There are apply, boot, compile, " in cnpc("frobnicate").err


def test_an_option_that_is_misspelt_has_a_suggestion() -> None:
    assert "'--on-unknown'" in cnpc("compile", "--on-unknwon", "error", CLUSTER).err


def test_several_nodes_need_a_directory() -> None:
    done = cnpc("compile", CLUSTER, DENY)
    assert (done.code, done.out) == (2, "")
    assert "2 nodes: -o DIR, or --node NAME for one of them" in done.err


def test_unknown_nodes_are_named_with_what_was_meant() -> None:
    done = cnpc("compile", CLUSTER, "--node", "worker1", "--node", "zzz", "--node", "worker-2")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [
        "error: no node 'worker1'",
        "    hint: did you mean 'worker-1'?",
        "error: no node 'zzz'",
        "    hint: the input has worker-1, worker-2",
        "2 errors, nothing written",
    ]


def test_the_header_names_what_was_compiled() -> None:
    lines = cnpc("compile", CLUSTER, STORIES / "2-allow", "--node", "worker-1").out.splitlines()
    head = lines[: lines.index("")]
    assert head[2:] == [
        "# Options: -O2 --deny-with drop --own-node exempt",
        "# Snapshot: 8 namespaces, 2 nodes, 7 endpoints",
        head[4],
        "# Policies in force here: 2 of 2",
        "#   ClusterNetworkPolicy cluster-wide-allow-example, tier Admin",
        "#   NetworkPolicy foo-ns-1/closed, tier NetworkPolicy",
        "# Pods here: 3",
        "#   bar-ns-2/db 10.244.1.10 fd00:10:244:1::10",
        "#   foo-ns-1/web 10.244.1.11 fd00:10:244:1::11",
        "#   sensitive-ns/vault 10.244.1.13 fd00:10:244:1::13",
        "# Pods elsewhere: 4",
        "#   bar-ns-1/pub 10.244.2.10 fd00:10:244:2::10",
        "#   foo-ns-2/api 10.244.2.11 fd00:10:244:2::11",
        "#   kube-system/coredns 10.244.2.12 fd00:10:244:2::12",
        "#   monitoring-ns/prometheus 10.244.2.13 fd00:10:244:2::13",
    ]
    assert head[4].startswith("# Digest: ")


def test_summary_as_json_is_one_line(tmp_path: Path) -> None:
    done = cnpc("compile", CLUSTER, DENY, "-o", tmp_path, "--summary", "json")
    assert done.err.count("\n") == 1
    summary = json.loads(done.err)
    assert {key: summary[key] for key in ("namespaces", "nodes", "endpoints", "policies")} == {
        "namespaces": 8,
        "nodes": 2,
        "endpoints": 7,
        "policies": 1,
    }
    [first, second] = summary["compiled"]
    assert (first["node"], first["endpoints"], first["policies"]) == ("worker-1", 3, 1)
    assert (second["node"], second["endpoints"], second["policies"]) == ("worker-2", 4, 0)


def test_the_summary_counts_what_the_ruleset_holds() -> None:
    done = cnpc("compile", CLUSTER, DENY, "--node", "worker-1", "--summary", "json")
    [made] = json.loads(done.err)["compiled"]
    lines = [line.strip() for line in done.out.splitlines()]
    starts = [line for line in lines if line.endswith("{")]
    assert made["chains"] == sum(line.startswith("chain ") for line in starts)
    named = sum(line.startswith(("set ", "map ")) for line in starts)
    assert made["sets"] >= named > 0


def test_summary_as_table_ends_with_the_sums(tmp_path: Path) -> None:
    done = cnpc("compile", CLUSTER, DENY, "-o", tmp_path, "--summary", "table")
    assert done.err.startswith("1 policy, 8 namespaces, 2 nodes, 7 endpoints, 0 warnings\n\nnode ")
    assert done.err.splitlines()[-1].split()[:2] == ["all", "7"]


@pytest.mark.parametrize("kind", ["json", "table"])
def test_quiet_leaves_the_summary_out(tmp_path: Path, kind: str) -> None:
    assert cnpc("compile", CLUSTER, DENY, "-o", tmp_path, "--summary", kind, "-q").err == ""


def test_verbose_counts_what_is_not_used(tmp_path: Path) -> None:
    services = "\n---\n".join(
        f"{{apiVersion: v1, kind: Service, metadata: {{name: s{number}}}}}" for number in range(3)
    )
    (tmp_path / "services.yaml").write_text(services)
    arguments = ("compile", CLUSTER, tmp_path / "services.yaml", "--node", "worker-1")
    assert cnpc(*arguments).err == ""
    assert cnpc(*arguments, "-v").err.splitlines() == [
        "cnpc: 3 of v1/Service not used",
        "cnpc: 1 pod on the host's network, not judged: kube-system/kube-proxy-q9wzl",
        "cnpc: 1 pod that ended, not judged: foo-ns-1/migrate-x7k2p",
    ]


@pytest.mark.parametrize("stage", ["lower", "drop_empty", "share"])
def test_print_after_shows_the_program(stage: str) -> None:
    done = cnpc("compile", CLUSTER, DENY, "--node", "worker-1", "--print-after", stage)
    assert done.code == 0
    assert "cluster-wide-deny-example" in done.out
    assert "table inet" not in done.out


def test_print_after_needs_a_pass_of_the_level() -> None:
    done = cnpc("compile", CLUSTER, DENY, "-O0", "--print-after", "share", "--node", "worker-1")
    assert (done.code, done.out) == (2, "")
    assert "-O0 has no pass 'share' with --backend nftables; it is in -O1 with" in done.err


def test_packed_files_folders_and_standard_input_are_the_same_input(tmp_path: Path) -> None:
    plain = cnpc("compile", CLUSTER, DENY, "--node", "worker-1").out
    (tmp_path / "sub").mkdir()
    packed = tmp_path / "sub" / "cluster.yaml.gz"
    packed.write_bytes(gzip.compress(CLUSTER.read_bytes()))
    (tmp_path / "policy.yml").write_bytes((DENY / "policy.yaml").read_bytes())
    (tmp_path / "notes.txt").write_text("not a manifest: [")
    assert cnpc("compile", packed, DENY, "--node", "worker-1").out == plain
    assert cnpc("compile", tmp_path, "--node", "worker-1").out == plain
    for stdin in (CLUSTER.read_bytes(), packed.read_bytes()):
        assert cnpc("compile", "-", DENY, "--node", "worker-1", stdin=stdin).out == plain


def test_nothing_through_the_pipe_is_told_with_a_guess() -> None:
    done = cnpc("compile", "-", "--node", "worker-1")
    assert done.code == 2
    assert "<stdin>: error: there is no object in this file" in done.err
    assert "hint: did the command before the pipe fail?" in done.err


@pytest.mark.parametrize("backend", ["nftables", "iptables"])
def test_rulesets_are_not_taken_for_manifests(tmp_path: Path, backend: str) -> None:
    assert cnpc("compile", CLUSTER, "--backend", backend, "-o", tmp_path).code == 0
    first = min(tmp_path.iterdir())
    for command in (("compile",), ("stats", "--node", "worker-1")):
        done = cnpc(*command, first)
        assert (done.code, done.out) == (2, "")
        assert f"{first} is a ruleset: cnpc apply {first}" in done.err
        done = cnpc(*command, tmp_path)
        assert f"{tmp_path} is a folder of rulesets: cnpc apply {first}" in done.err
    assert "is a folder of rulesets" in cnpc("apply", tmp_path, "--node", "worker-1").err


def test_options_reach_the_ruleset() -> None:
    plain = ("compile", CLUSTER, DENY, "--node", "worker-1")
    answered = cnpc(*plain, "--deny-with", "reject").out
    assert "reject with tcp reset" in answered
    assert "reject" not in cnpc(*plain).out
    assert "--own-node enforce" in cnpc(*plain, "--own-node", "enforce").out


def test_help_and_version() -> None:
    assert cnpc("--version").out.startswith("cnpc 0.")
    for arguments in (("-h",), ("compile", "-h"), ("--help",), ("compile", "--help")):
        done = cnpc(*arguments)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("Usage: cnpc ")


def test_help_and_readme_name_the_same_exit_codes() -> None:
    table = STORIES.parents[1].joinpath("README.md").read_text().partition("| exit code |")[2]
    told = re.findall(r"^\| ([\d, ]+) \|", table.partition("\n\n")[0], re.MULTILINE)
    listed = " ".join(cnpc("-h").out.partition("Exit codes: ")[2].split())
    assert re.findall(r"\d+", " ".join(told)) == re.findall(r"\d+", listed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Usage: cnpc"),
        (("compil",), "No such command 'compil'"),
        (("compile",), "Missing argument 'PATH...'"),
        (("compile", "x.yaml", "-o", ""), "'--output': the name is empty"),
        (("compile", "x.yaml", "--backend", "pf"), "'pf' is not"),
        (("compile", "x.yaml", "-O7"), "'7' is not one of"),
        (("compile", "x.yaml", "--print-after", "nothing"), "'nothing' is not one of"),
        (("compile", "no-such-file.yaml"), "no-such-file.yaml: error: cannot read: No such file"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], message: str) -> None:
    done = cnpc(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_shell_completion_knows_commands_and_options() -> None:
    environment = {"_CNPC_COMPLETE": "bash_complete", "COMP_WORDS": "cnpc c", "COMP_CWORD": "1"}
    assert "compile" in cnpc(environment=environment).out
    environment |= {"COMP_WORDS": "cnpc compile --own", "COMP_CWORD": "2"}
    assert "--own-node" in cnpc(environment=environment).out
    assert "_CNPC_COMPLETE" in cnpc(environment={"_CNPC_COMPLETE": "bash_source"}).out
