"""``cnpc apply --watch`` where looking goes wrong: it stays, and says so once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cnpc.backends.apply.dataplane import Drift
from cnpc.backends.apply.engine import Engine
from cnpc.compiler.cli.node.applying import watch as watching
from cnpc.compiler.errors import NodeError
from engines import nft_engine
from fake_node import FakeNode
from small_rulesets import A, B


class Waits:
    """An event that ends the watch after so many waits, and notes how long they are."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        self.periods: list[float] = []
        self.times = times
        monkeypatch.setattr(threading, "Event", lambda: self)
        monkeypatch.setattr(signal, "signal", lambda *_: None)

    def wait(self, period: float) -> bool:
        self.periods.append(period)
        return len(self.periods) > self.times


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = nft_engine(FakeNode(), tmp_path)
    engine.apply(A)
    return engine


def failing(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, errors: Iterator[Exception | None]
) -> None:
    def generation() -> object:
        error = next(errors, None)
        if error:
            raise error
        return object()

    monkeypatch.setattr(engine, "generation", generation)


def test_a_passing_error_does_not_end_it(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = [NodeError("no"), None, OSError(5, "I/O error"), None, KeyError("bug"), None]
    failing(monkeypatch, engine, iter(errors))
    waits = Waits(monkeypatch, len(errors))
    watching.watch(engine)
    assert capsys.readouterr().err.splitlines() == [
        "cnpc: error: no",
        "cnpc: the error is over",
        "cnpc: internal error: OSError: [Errno 5] I/O error",
        "cnpc: the error is over",
        "cnpc: internal error: KeyError: 'bug'",
        "cnpc: the error is over",
    ]
    assert set(waits.periods) == {0.25}


def test_a_lasting_error_is_told_once_and_looked_at_less_often(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = [NodeError("no")] * 20 + [NodeError("other")] * 3
    failing(monkeypatch, engine, iter(errors))
    waits = Waits(monkeypatch, len(errors) + 2)
    watching.watch(engine)
    assert capsys.readouterr().err.splitlines() == [
        "cnpc: error: no",
        "cnpc: error: other",
        "cnpc: the error is over",
    ]
    assert waits.periods[1:8] == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert waits.periods[21:] == [0.25, 0.5, 1.0, 0.25, 0.25]


def test_what_another_namespace_loaded_is_not_put_in_force_here(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.apply(B)
    monkeypatch.setattr(type(engine.view), "elsewhere", lambda *_: True)
    Waits(monkeypatch, 5)
    watching.watch(engine)
    (told,) = capsys.readouterr().err.splitlines()
    assert "is that of another network namespace; give each its own --state-dir" in told


def test_all_elements_are_looked_at_now_and_then_where_nothing_seems_to_change(
    monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    looks: list[bool] = []

    def restore(*, wholly: bool) -> Drift:
        looks.append(wholly)
        return Drift.NONE

    monkeypatch.setattr(engine, "generation", lambda: 1)
    monkeypatch.setattr(engine, "restore", restore)
    Waits(monkeypatch, 4)
    watching.watch(engine)
    assert looks == [True]
    for name in ("_PAUSE", "_IDLE_PAUSE", "_SHORTEST_IDLE_PAUSE"):
        monkeypatch.setattr(watching, name, 0)
    Waits(monkeypatch, 4)
    watching.watch(engine)
    assert looks == [True] * 5
