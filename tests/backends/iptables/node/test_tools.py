"""The programs of iptables: which are meant, what is missing, and the words of a refusal."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from cnpc.backends.iptables.names import FAMILIES, TABLES
from cnpc.backends.iptables.node import tools as iptables_tools
from cnpc.backends.iptables.node.doctor import lacks_iptables, look_at_iptables
from cnpc.backends.iptables.node.legacy import legacy_generation
from cnpc.backends.iptables.node.tools import (
    FLAVOURS,
    PROGRAM,
    ipset_headers,
    system_tools,
    tools_of,
)
from cnpc.backends.linux import programs
from cnpc.backends.linux.finding import Level
from cnpc.backends.linux.programs import found
from cnpc.compiler.errors import NodeError
from netcluster import Namespace
from netcluster.namespaces import run

pytestmark = pytest.mark.requires_root_and_nft


def only(monkeypatch: pytest.MonkeyPatch, folder: Path, **meanings: str) -> None:
    """Let these be all programs there are, each what another is."""
    folder.mkdir()
    for name, meant in meanings.items():
        path = found(meant)
        assert path
        (folder / name).symlink_to(path)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(programs, "SYSTEM_PATH", "/none")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_systems_flavour_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flavour: str
) -> None:
    only(
        monkeypatch,
        tmp_path / "bin",
        iptables=f"iptables-{flavour}",
        ip6tables=f"ip6tables-{flavour}",
        ipset="ipset",
    )
    assert system_tools().flavour == flavour
    assert not list(lacks_iptables())


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_program_that_is_no_link_is_asked_for_its_flavour(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flavour: str
) -> None:
    only(monkeypatch, tmp_path / "bin", ipset="ipset")
    for name in ("iptables", "ip6tables"):
        wrapper = tmp_path / "bin" / name
        wrapper.write_text(f'#!/bin/sh\nexec /usr/sbin/{name}-{flavour} "$@"\n')
        wrapper.chmod(0o755)
    assert system_tools().flavour == flavour


@pytest.mark.parametrize("missing", ["iptables", "ipset"])
def test_what_is_missing_is_told_with_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    names = {name: name for name in ("iptables", "ip6tables", "ipset") if name != missing}
    only(monkeypatch, tmp_path / "bin", **names)
    with pytest.raises(NodeError, match=f"there is no {missing}; install the package i"):
        system_tools()
    (finding,) = lacks_iptables()
    assert finding.level is Level.MISSING


def test_families_of_two_flavours_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    only(
        monkeypatch,
        tmp_path / "bin",
        iptables="iptables-legacy",
        ip6tables="ip6tables-nft",
        ipset="ipset",
    )
    with pytest.raises(NodeError, match="iptables of legacy and ip6tables of nft; update-alt"):
        system_tools()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_refusal_comes_with_its_line(space: Namespace, flavour: str) -> None:  # noqa: ARG001 - be in it
    tools = tools_of(flavour)
    assert tools
    with pytest.raises(NodeError, match=r"(?s)doesn't exist.*in: -A INPUT -m set") as refusal:
        tools.restore("v4", "*filter\n-A INPUT -m set --match-set none src -j DROP\nCOMMIT\n")
    assert "--help" not in str(refusal.value)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_table_that_the_kernel_lacks_is_told_with_its_modules(
    space: Namespace,  # noqa: ARG001 - be in it
    family: str,
) -> None:
    tools = tools_of("legacy")
    assert tools
    with pytest.raises(NodeError, match="load the modules iptable_none and ip6table_none"):
        tools.restore(family, "*none\nCOMMIT\n")


def test_a_rule_in_front_is_named_with_its_table(space: Namespace) -> None:  # noqa: ARG001 - be in it
    def told() -> list[str]:
        return [str(item) for item in look_at_iptables() if item.level is Level.WARNING]

    program = PROGRAM["v6"]
    for table in TABLES:
        command = (program, "-t", table)
        run((*command, "-N", "CNPC-INPUT"))
        run((*command, "-A", "INPUT", "-j", "CNPC-INPUT"))
        assert not told()
        run((*command, "-I", "INPUT", "-s", "2001:db8::1/128", "-j", "ACCEPT"))
        (warning,) = told()
        assert f"ip6tables -t {table} INPUT has before cnpc's own rules -A INPUT -s" in warning
        assert ("dropped" if table == "filter" else "not judged") in warning
        assert "cnpc apply puts the own jump in front" in warning
        run((*command, "-D", "INPUT", "1"))


def test_the_number_of_legacy_changes_with_every_rule_and_no_packet(space: Namespace) -> None:  # noqa: ARG001 - be in it
    run(("ip", "link", "set", "lo", "up"))
    seen = {legacy_generation()}
    for number, change in enumerate(
        (
            ("iptables-legacy", "-A", "INPUT", "-j", "ACCEPT"),
            ("iptables-legacy", "-I", "INPUT", "-j", "DROP", "-s", "192.0.2.1"),
            ("ip6tables-legacy", "-N", "CNPC-x"),
            ("ip6tables-legacy", "-A", "CNPC-x", "-s", "2001:db8::1", "-j", "DROP"),
            ("ip6tables-legacy", "-R", "CNPC-x", "1", "-s", "2001:db8::2", "-j", "DROP"),
        )
    ):
        run(change)
        seen.add(legacy_generation())
        assert len(seen) == number + 2
    before = legacy_generation()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", 9))
    assert "[0:0] -A INPUT -j ACCEPT" not in run(("iptables-legacy-save", "-c", "-t", "filter"))
    assert legacy_generation() == before


def test_sets_of_others_are_not_looked_at(space: Namespace) -> None:  # noqa: ARG001 - be in it
    run(("ipset", "create", "theirs", "hash:ip"))
    run(("ipset", "create", "cnpc-a", "hash:net", "family", "inet6"))
    run(("ipset", "add", "cnpc-a", "2001:db8::/32"))
    assert list(ipset_headers()) == ["cnpc-a"]
    what, entries = ipset_headers()["cnpc-a"]
    assert what.startswith("hash:net family inet6 hashsize")
    assert entries == 1


def test_a_good_node_lacks_nothing(space: Namespace) -> None:  # noqa: ARG001 - be in it
    findings = list(look_at_iptables())
    assert len(findings) == 3
    assert all(item.level is Level.FINE for item in findings)


def test_what_the_kernel_lacks_is_told(
    monkeypatch: pytest.MonkeyPatch,
    space: Namespace,  # noqa: ARG001 - be in it
) -> None:
    real = iptables_tools.run

    def refusing(argv: list[str], text: str = "") -> str:
        return real(argv, text.replace("-m multiport", "-m nothing"))

    monkeypatch.setattr(iptables_tools, "run", refusing)
    words = [str(item) for item in look_at_iptables() if item.level is Level.WARNING]
    assert len(words) == 2
    assert "refuses what rulesets need" in words[0]
    assert "nothing" in words[0]
