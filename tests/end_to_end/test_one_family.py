"""A node without IPv6: its rules are those of IPv4, and a pod with an IPv6 address is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cnpc.backends.apply.dataplane import RulesetSource
from cnpc.backends.apply.engine import Engine
from cnpc.backends.apply.store import Store
from cnpc.backends.iptables.node import tools
from cnpc.backends.iptables.node.active import where_active
from cnpc.backends.iptables.node.dataplane import IptablesDataplane
from cnpc.backends.iptables.node.tools import FLAVOURS, system_tools
from cnpc.backends.iptables.ruleset import IptablesRuleset
from cnpc.backends.nftables.node.client import WithoutNft
from cnpc.backends.nftables.node.kernel import LinuxKernel
from cnpc.compiler.cli.node import boot
from cnpc.compiler.errors import NodeError
from engines import warnings_fail
from fake_programs import Programs
from netcluster import Namespace
from netcluster.namespaces import run
from rulesets import trio

pytestmark = pytest.mark.requires_root_and_nft


def ruleset(*addresses: str, port: int = 80) -> RulesetSource[IptablesRuleset]:
    """Return the ruleset of a node with an isolated pod of these addresses."""
    metadata = {"namespace": "default", "labels": {"app": "a"}}
    ingress = [{"ports": [{"port": port}]}]
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": ingress}
    address = {"type": "InternalIP", "address": "192.0.2.1"}
    return trio(
        [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}},
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": "n"},
                "status": {"addresses": [address]},
            },
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "a", **metadata},
                "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "x"}]},
                "status": {"phase": "Running", "podIPs": [{"ip": ip} for ip in addresses]},
            },
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": "p", "namespace": "default"},
                "spec": spec,
            },
        ]
    )


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(
    space: Namespace,  # noqa: ARG001 - in it
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    flavour: str,
) -> Programs:
    """Have all programs but those of IPv6."""
    folder = Programs(monkeypatch, tmp_path / "bin")
    for name in ("iptables", "iptables-save", "iptables-restore", "ipset"):
        path = shutil.which(name.replace("tables", f"tables-{flavour}"), path=folder.real)
        if path is None:
            pytest.skip(f"needs {name} of {flavour}")
        folder.link(name, path)
    return folder


def keeper_in(folder: Path) -> Engine:
    own = IptablesDataplane(LinuxKernel(WithoutNft()), system_tools())
    return Engine({"iptables": lambda: own}, Store(folder), lambda: None, warnings_fail)


def saved(folder: Programs, name: str) -> str:
    """Return what a program lists that cnpc does not find."""
    path = shutil.which(f"{name}-save", path=folder.real)
    assert path
    return run((path,))


def test_a_node_without_ip6tables_has_its_rules_for_ipv4(
    folder: Programs, tmp_path: Path, flavour: str
) -> None:
    engine, first, second = keeper_in(tmp_path), ruleset("10.0.0.1"), ruleset("10.0.0.1", port=443)
    assert engine.view.left_out("iptables") == (
        "the rules for IPv4 alone are in force: there is no ip6tables"
    )
    for made in (first, second, first):
        engine.apply(made)
        assert engine.apply(made).plan.operations == 0
        assert engine.look()[1].drift.value == ""
    assert where_active() == (f"iptables-{flavour}",)
    assert "CNPC-FORWARD" in saved(folder, f"iptables-{flavour}")
    assert "CNPC-FORWARD" not in saved(folder, f"ip6tables-{flavour}")
    engine.rollback()
    assert engine.flush(pytest.fail)
    assert not where_active()


@pytest.mark.usefixtures("folder")
def test_a_boot_says_so_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = keeper_in(tmp_path).apply(ruleset("10.0.0.1")).version
    monkeypatch.setattr(boot, "open_engine", keeper_in)
    assert boot.command.main(["--state-dir", str(tmp_path)], standalone_mode=False) == 0
    told = capsys.readouterr()
    assert told.out == f"{version.id} is in force\n"
    assert told.err == "cnpc: the rules for IPv4 alone are in force: there is no ip6tables\n"


@pytest.mark.usefixtures("folder")
def test_a_pod_with_an_ipv6_address_is_refused_there(tmp_path: Path) -> None:
    engine = keeper_in(tmp_path)
    engine.apply(ruleset("10.0.0.1"))
    for made in (ruleset("10.0.0.1", "fd00::1"), ruleset("fd00::1")):
        with pytest.raises(NodeError, match=r"have IPv6 addresses.* there is no ip6tables"):
            engine.apply(made)
        with pytest.raises(NodeError, match="have IPv6 addresses"):
            engine.check(made)
    assert engine.apply(ruleset("10.0.0.1")).plan.operations == 0


def test_a_node_that_gets_ipv6_gets_its_rules(
    folder: Programs, tmp_path: Path, flavour: str
) -> None:
    keeper_in(tmp_path).apply(ruleset("10.0.0.1"))
    for end in ("", "-save", "-restore"):
        path = shutil.which(f"ip6tables-{flavour}{end}", path=folder.real)
        assert path
        folder.link(f"ip6tables{end}", path)
    engine = keeper_in(tmp_path)
    assert engine.apply(ruleset("10.0.0.1")).plan.operations
    assert "CNPC-FORWARD" in saved(folder, f"ip6tables-{flavour}")
    engine.apply(ruleset("10.0.0.1", "fd00::1"))
    assert engine.view.left_out("iptables") == ""


def test_a_kernel_without_ipv6_is_one(
    folder: Programs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the programs there, which then refuse."""
    for end in ("", "-save", "-restore"):
        folder.script(f"ip6tables{end}", 'echo "Address family not supported" >&2; exit 3')
    monkeypatch.setattr(tools, "_IPV6", tmp_path / "if_inet6")
    engine = keeper_in(tmp_path)
    engine.apply(ruleset("10.0.0.1"))
    assert engine.look()[1].drift.value == ""
    assert engine.view.left_out("iptables").endswith("the kernel has no IPv6")
