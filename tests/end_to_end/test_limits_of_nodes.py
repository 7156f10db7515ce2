"""Limits that a node or its system sets: long names, small sockets, a lock that others hold."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from cnpc.backends.apply.dataplane import BusyError
from cnpc.backends.iptables.node import tools as iptables_tools
from cnpc.backends.iptables.node.tools import LockedError, tools_of
from cnpc.backends.linux import programs
from cnpc.backends.nftables.node.client import refusal
from cnpc.compiler.cli.output.files import file_stem
from command import cnpc
from engines import kernel_engine
from fake_programs import Programs
from netcluster import Namespace
from rulesets import trio
from worlds import seeded

NODE = """apiVersion: v1
kind: Node
metadata: {{name: {name}}}
status: {{addresses: [{{type: InternalIP, address: 192.0.2.1}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: a, namespace: default}}
spec: {{nodeName: {name}, containers: [{{name: c, image: x}}]}}
status: {{phase: Running, podIP: 10.0.0.1}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: default}}
"""
LOCK = Path("/run/xtables.lock")


def test_a_name_that_no_file_could_have_is_cut() -> None:
    assert file_stem("worker-1") == "worker-1"
    assert file_stem("a" * 240) == "a" * 240
    long = {file_stem("a" * 252 + end) for end in "bc"}
    assert [len(stem) for stem in long] == [240, 240]


@pytest.mark.parametrize("backend", ["nftables", "iptables"])
def test_the_longest_name_of_a_node_compiles(tmp_path: Path, backend: str) -> None:
    name = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert len(name) == 253
    (tmp_path / "node.yaml").write_text(NODE.format(name=name))
    out = tmp_path / "out"
    done = cnpc("compile", tmp_path / "node.yaml", "--backend", backend, "-o", out)
    assert done.code == 0, done.err
    assert {path.stem for path in out.iterdir()} == {file_stem(name)}


def test_a_message_that_is_too_long_names_the_sysctl() -> None:
    words = refusal("netlink: Error: Could not process rule: Message too long\n")
    assert "sysctl -w net.core.wmem_max=" in words
    assert "wmem_max" not in refusal("Error: No such file or directory")


@pytest.mark.requires_root_and_nft
def test_a_lock_is_waited_for_as_long_as_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
    space: Namespace,  # noqa: ARG001 - in it
    tmp_path: Path,
) -> None:
    """Once, and not again for a second try, since nobody is in the way of the rules themselves."""
    monkeypatch.setattr(iptables_tools, "_LOCK_SECONDS", "1")
    engine = kernel_engine("iptables-legacy", tmp_path)
    world = list(seeded(4).objects())
    engine.apply(trio(world))
    before = engine.read()
    tried = []
    real = programs.run

    def run(argv: list[str], *others: object) -> programs.Finished:
        tried.append(argv)
        return real(argv, *others)  # type: ignore[arg-type] # they are as of run

    monkeypatch.setattr(programs, "run", run)
    with LOCK.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match=r"another program holds /run/xtables.lock for 1 s"):
            engine.apply(trio(world[:-1]))
    assert sum("-w" in argv for argv in tried) == 1
    assert engine.read() == before
    assert engine.look()[1].drift.value == ""
    engine.apply(trio(world[:-1]))


def test_a_lock_that_cannot_be_opened_is_blamed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = "Fatal: can't open lock file /run/xtables.lock: Read-only file system"
    folder = Programs(monkeypatch, tmp_path / "bin")
    for name in ("iptables-legacy", "ip6tables-legacy"):
        folder.script(f"{name}-save", ":")
        folder.script(f"{name}-restore", f'echo "{words}" >&2; exit 4')
    tools = tools_of("legacy")
    assert tools
    with pytest.raises(LockedError, match=r"Read-only file system; let .* XTABLES_LOCKFILE"):
        tools.restore("v4", "*mangle\nCOMMIT\n")
