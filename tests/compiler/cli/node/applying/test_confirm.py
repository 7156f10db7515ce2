"""Who puts the old ruleset back: all it needs it has, and whoever comes next does its work."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cnpc.backends.apply.engine import Engine
from cnpc.backends.apply.outcome import ConfirmTimeout
from cnpc.backends.apply.record import PendingConfirm
from cnpc.backends.linux import boot_clock, netlink
from cnpc.compiler.cli.node.applying import confirm
from cnpc.compiler.errors import NodeError
from engines import kernel_engine, nft_engine
from fake_node import FakeNode
from small_rulesets import A, B

ROOT = Path(__file__).parents[5]


class Clock:
    """The time since the boot, which a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = 1000.0
        monkeypatch.setattr(boot_clock, "now", lambda: self.time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


def nothing(_: PendingConfirm) -> None:
    """Start nobody, as if who was started had been killed."""


def late(node: FakeNode, folder: Path, clock: Clock, told: list[str]) -> Engine:
    """Return the engine of a node whose ruleset B was not confirmed in time."""
    engine = nft_engine(node, folder, told.append)
    engine.apply(A)
    engine.apply(B, ConfirmTimeout(60, nothing))
    clock.time += 61
    return engine


def is_a(engine: Engine) -> bool:
    current = engine.read().current
    return current is not None and engine.view.state.texts(current) == A.texts


WHOEVER: dict[str, Callable[[Engine], object]] = {
    "status": lambda engine: engine.look(),
    "watch": lambda engine: engine.overdue() and engine.restore(),
    "apply --confirmed": lambda engine: engine.confirm(),
    "save": lambda engine: engine.save(A),
    "apply": lambda engine: engine.apply(A),
}


@pytest.mark.parametrize("who", WHOEVER)
def test_whoever_comes_next_takes_it_back_with_a_word(
    node: FakeNode, tmp_path: Path, clock: Clock, who: str
) -> None:
    told: list[str] = []
    engine = late(node, tmp_path, clock, told)
    WHOEVER[who](engine)
    assert is_a(engine)
    assert engine.read().pending is None
    assert engine.look()[1].drift.value == ""
    assert len(told) == 1
    assert "was not confirmed in time: " in told[0]
    assert told[0].endswith(" is in force again")


def test_a_rollback_goes_back_once(node: FakeNode, tmp_path: Path, clock: Clock) -> None:
    engine = late(node, tmp_path, clock, [])
    assert engine.rollback()
    assert is_a(engine)


def test_a_boot_loads_what_was_confirmed(node: FakeNode, tmp_path: Path, clock: Clock) -> None:
    engine = late(node, tmp_path, clock, [])
    node.boot, node.tables = "another", set()
    assert engine.boot(pytest.fail)
    assert is_a(engine)


def test_an_apply_goes_on_where_it_cannot_be_taken_back(
    node: FakeNode, tmp_path: Path, clock: Clock
) -> None:
    told: list[str] = []
    engine = late(node, tmp_path, clock, told)
    pending = engine.read().pending
    assert pending
    assert pending.back_to
    (tmp_path / "rulesets" / f"{pending.back_to.texts['nft']}.nft").write_text("")
    engine.apply(B)
    assert "cannot be taken back" in told[0]


def test_the_first_ruleset_goes_without_a_confirmation(
    node: FakeNode, tmp_path: Path, clock: Clock
) -> None:
    told: list[str] = []
    engine = nft_engine(node, tmp_path, told.append)
    engine.apply(A, ConfirmTimeout(60, nothing))
    clock.time += 61
    assert engine.look()[0].current is None
    assert not node.tables
    assert told[0].endswith("no policy is in force again")


def test_who_set_the_clock_does_not_matter(
    node: FakeNode, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = nft_engine(node, tmp_path)
    engine.apply(A)
    engine.apply(B, ConfirmTimeout(60, nothing))
    for there in (0.0, 1e9, 4e9):
        monkeypatch.setattr(time, "time", lambda there=there: there)
        assert not engine.overdue()
    pending = engine.read().pending
    assert pending
    assert pending.left(clock.time) == 60
    assert pending.boot == boot_clock.boot_id()
    assert not pending.over(clock.time + 61, "another boot")


def test_time_goes_on_while_the_machine_sleeps() -> None:
    assert abs(boot_clock.now() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60
    assert netlink.netns_id().startswith(f"{boot_clock.boot_id()}/")


CLOCKS = {
    "time.CLOCK_BOOTTIME": {"boot_clock.py"},
    "time.clock_gettime": {"boot_clock.py"},
    "time.gmtime": {"store.py"},
    "time.monotonic": None,
    "time.perf_counter": None,
    "time.sleep": None,
    "time.strftime": {"store.py"},
}
"""Which clocks are read where; None: anywhere, since nobody sets them."""


def test_no_other_clock_is_read() -> None:
    for top in ("backends", "compiler"):
        for path in (ROOT / top).rglob("*.py"):
            for item in ast.walk(ast.parse(path.read_text())):
                match item:
                    case ast.Attribute(value=ast.Name(id="time"), attr=name):
                        where = CLOCKS[f"time.{name}"]
                        assert where is None or path.name in where, path


GUARD = """
import sys
from cnpc.compiler.cli.node.applying import confirm as guardian
class Blocker:
    def find_spec(self, name, *_):
        print("import of", name, file=sys.stderr, flush=True)
        raise ModuleNotFoundError(name)
close = sys.stdout.close
class Out:
    buffer = sys.stdout.buffer
    def flush(self): sys.__stdout__.flush()
    def close(self):
        sys.meta_path.insert(0, Blocker())
        sys.path.clear()
        close()
        sys.stdout = None
sys.stdout = Out()
sys.exit(guardian.guard(*sys.argv[1:]))
"""


@pytest.mark.requires_root_and_nft
@pytest.mark.usefixtures("space")
@pytest.mark.parametrize("fault", ["", "gone", "damaged"])
def test_nothing_is_imported_or_read_after_it_is_ready(tmp_path: Path, fault: str) -> None:
    """The texts may be gone meanwhile, and the record damaged."""
    engine = kernel_engine("nftables", tmp_path)
    engine.apply(A)
    started: list[subprocess.Popen[bytes]] = []

    def start(pending: PendingConfirm) -> None:
        argv = [sys.executable, "-c", GUARD, str(tmp_path), pending.token, str(pending.until)]
        guard = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert guard.stdout
        assert guard.stdout.readline() == b"ready\n"
        started.append(guard)

    engine.apply(B, ConfirmTimeout(1, start))
    if fault == "gone":
        for path in (tmp_path / "rulesets").iterdir():
            path.unlink()
    elif fault == "damaged":
        (tmp_path / "record.json").write_text("{")
    with started[0] as guard:
        ending = threading.Timer(30, guard.kill)
        ending.start()
        _, errors = guard.communicate()
        ending.cancel()
    assert (guard.returncode, errors) == (0, b"")
    assert engine.read().pending is None
    assert engine.apply(A).plan.operations == 0


def test_it_tries_as_long_as_the_ruleset_waits(
    monkeypatch: pytest.MonkeyPatch, node: FakeNode, tmp_path: Path, clock: Clock
) -> None:
    engine = late(node, tmp_path, clock, [])
    pending = engine.read().pending
    assert pending
    monkeypatch.setattr(confirm, "_STEP", 0.001)
    monkeypatch.setattr(confirm, "_LONGEST_STEP", 0.002)
    monkeypatch.setattr(confirm, "Engine", lambda *_: engine)
    monkeypatch.setattr(confirm, "dataplanes", dict)
    errors: list[Exception] = [NodeError("refused"), OSError(5, "I/O error"), KeyError("bug")] * 20
    real = engine.revert

    def revert(token: str) -> bool:
        if errors:
            raise errors.pop()
        return real(token)

    monkeypatch.setattr(engine, "revert", revert)
    read, write = os.pipe()
    with os.fdopen(write, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr("signal.signal", lambda *_: None)
        assert confirm.guard(str(tmp_path), pending.token, str(pending.until)) == 0
    os.close(read)
    assert not errors
    assert is_a(engine)


def test_it_ends_soon_after_a_confirmation(
    monkeypatch: pytest.MonkeyPatch, node: FakeNode, tmp_path: Path, clock: Clock
) -> None:
    engine = nft_engine(node, tmp_path)
    engine.apply(A)
    engine.apply(B, ConfirmTimeout(60, nothing))
    pending = engine.read().pending
    assert pending
    monkeypatch.setattr(confirm, "_STEP", 0.001)
    monkeypatch.setattr(confirm, "Engine", lambda *_: engine)
    monkeypatch.setattr(confirm, "dataplanes", dict)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    read, write = os.pipe()
    with os.fdopen(write, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        guard = threading.Thread(
            target=confirm.guard, args=(str(tmp_path), pending.token, str(pending.until))
        )
        guard.start()
        assert os.read(read, 6) == b"ready\n"
        assert engine.confirm()
        guard.join(30)
    assert not guard.is_alive()
    os.close(read)
    assert clock.time == 1000.0
    assert not is_a(engine)


FAULTS = {
    "fails": "exit 1",
    "prints nonsense": "echo what",
    "prints nothing": ":",
    "hangs": "exec sleep 1000",
    "cannot be started": None,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_guardian_that_does_not_start_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    program, script = tmp_path / "python", FAULTS[fault]
    if script is not None:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(confirm, "_START_SECONDS", 0.5 if fault == "hangs" else 30.0)
    pending = PendingConfirm(token="", until=0, boot="", back_to=None, back_previous=None)
    with pytest.raises(NodeError, match="cannot start the process"):
        confirm.start_guardian(tmp_path, pending)
