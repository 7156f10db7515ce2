"""Work by several processes: all of it or nothing, and the same bytes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from clusters import limits
from clusters.objects import write_list
from cnpc.compiler.cli.main import main
from cnpc.compiler.cli.parallel import in_parallel
from cnpc.compiler.errors import InputError, NodeError, error

NODES = [f"n{number:02}" for number in range(20)]
SCALE = 0.004  # of the cluster of 5,000 nodes


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    path = tmp_path / "cluster.json"
    write_list(path, limits(SCALE).objects())
    return path


def run(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main([str(item) for item in arguments])
    return ended.value.code


def test_all_results_arrive_once() -> None:
    for jobs in (1, 2, 3, 30):
        assert sorted(in_parallel(str.upper, NODES, jobs)) == [name.upper() for name in NODES]


def test_the_bytes_do_not_depend_on_the_number_of_processes(cluster: Path, tmp_path: Path) -> None:
    for backend in ("nftables", "iptables"):
        made = []
        for jobs in (1, 3):
            folder = tmp_path / f"{backend}-{jobs}"
            assert run("compile", cluster, "-o", folder, "-j", jobs, "--backend", backend) == 0
            made.append({path.name: path.read_bytes() for path in folder.iterdir()})
        assert len(made[0]) >= len(NODES)
        assert made[0] == made[1]


def test_an_error_of_a_worker_is_raised_whole() -> None:
    problem = InputError([error("no good", None, "try another"), error("nor this")])

    def fail(node: str) -> str:
        if node == NODES[7]:
            raise problem
        return node

    with pytest.raises(InputError) as raised:
        list(in_parallel(fail, NODES, 3))
    assert raised.value.diagnostics == problem.diagnostics


def test_a_bug_in_a_worker_keeps_its_traceback() -> None:
    def fail(node: str) -> str:
        if node == NODES[7]:
            raise ZeroDivisionError
        return node

    with pytest.raises(ZeroDivisionError) as raised:
        list(in_parallel(fail, NODES, 2))
    assert "in fail" in raised.value.__notes__[0]


def test_a_worker_that_is_killed_is_told_of() -> None:
    parent = os.getpid()

    def die(node: str) -> str:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return node

    with pytest.raises(NodeError, match="ended by signal 9"):
        list(in_parallel(die, NODES, 2))


def test_nothing_is_written_where_a_worker_fails(
    cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = os.getpid()
    sync = os.fsync

    def full(descriptor: int) -> None:
        if os.getpid() != parent:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    folder = tmp_path / "out"
    assert run("compile", cluster, "-o", folder, "-j", 2) == 3
    assert list(folder.iterdir()) == []
