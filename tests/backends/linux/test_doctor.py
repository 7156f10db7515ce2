from __future__ import annotations

import os
from pathlib import Path

import pytest
from cnpc.backends.linux import capabilities, doctor
from cnpc.backends.linux.doctor import examine, lacks_nft
from cnpc.backends.linux.finding import Level
from cnpc.compiler.errors import NodeError
from netcluster import Namespace
from netcluster.namespaces import run


def texts(path: Path) -> str:
    return "\n".join(f"{item.level.value} {item}" for item in examine(path))


def test_without_root_nothing_else_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(capabilities, "_STATUS", tmp_path / "nowhere")
    assert texts(tmp_path) == (
        "missing this is not root, nor has it the capability NET_ADMIN; "
        "run cnpc as root, or with sudo"
    )


def test_without_nft_the_remedy_is_a_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> None:
        raise NodeError("there is no nft; install the package nftables")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(doctor, "open_nft", refuse)
    (finding,) = lacks_nft()
    assert finding.level is Level.MISSING
    assert "install the package nftables" in str(finding)


@pytest.mark.requires_root_and_nft
def test_a_good_node_lacks_nothing(tmp_path: Path) -> None:
    space = Namespace()
    with space.entered():
        findings = list(examine(tmp_path))
    space.close()
    assert not [item for item in findings if item.level is Level.MISSING]
    assert all(item.remedy for item in findings if item.level is not Level.FINE)


@pytest.mark.requires_root_and_nft
@pytest.mark.usefixtures("space")
def test_what_is_found_beside_the_path_is_tried_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    found = texts(tmp_path)
    assert "ok iptables and the kernel take all that rulesets need" in found
    assert "ok ip6tables and the kernel take all that rulesets need" in found


@pytest.mark.requires_root_and_nft
@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"nft": "nftables v0.9.3 (Topsy)"}, "missing nft is too old (nftables v0.9.3 (Topsy))"),
        ({"iptables-nft-save": ":cali-FORWARD - [0:0]\n"}, "warning Calico judges here too"),
        ({"iptables-nft-save": ":KUBE-ROUTER-FORWARD - [0:0]\n"}, "warning kube-router judges"),
    ],
)
def test_what_disturbs_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(doctor, "_output", lambda *argv: output.get(argv[0], ""))
    assert expected in texts(tmp_path)


@pytest.mark.requires_root_and_nft
@pytest.mark.parametrize(
    ("rules", "told"), [("-A INPUT -j DROP\n", True), (":INPUT DROP [0:0]\n", True), ("", False)]
)
def test_both_iptables_are_told_where_both_judge(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rules: str, *, told: bool
) -> None:
    saved = f"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n{rules}COMMIT\n"
    monkeypatch.setattr(doctor, "_output", lambda *_argv: saved)
    monkeypatch.setattr(doctor, "_table_names", lambda _name: ["filter"])
    assert ("iptables-legacy and iptables-nft both have rules" in texts(tmp_path)) == told


@pytest.mark.requires_root_and_nft
def test_to_have_looked_at_legacy_tables_is_nothing(space: Namespace, tmp_path: Path) -> None:  # noqa: ARG001 - in it
    run(("iptables-nft", "-t", "nat", "-A", "POSTROUTING", "-j", "ACCEPT"))
    run(("iptables-legacy", "-L"))
    assert "both have rules" not in texts(tmp_path)
    run(("iptables-legacy", "-A", "INPUT", "-j", "ACCEPT"))
    assert "both have rules" in texts(tmp_path)
