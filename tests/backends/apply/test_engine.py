"""The engine over a node without a kernel: what it commits when, and what it remembers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cnpc.backends.apply.dataplane import Drift
from cnpc.backends.apply.engine import Engine
from cnpc.backends.apply.outcome import ConfirmTimeout
from cnpc.backends.apply.record import PendingConfirm, Version
from cnpc.backends.nftables.plan import PlanKind
from cnpc.compiler.errors import NodeError
from fake_node import FakeNode, Killed
from small_rulesets import A, B, C


def no_warning(words: str) -> None:
    raise AssertionError(words)


def test_what_is_in_force_already_is_not_committed(node: FakeNode, engine: Engine) -> None:
    assert engine.apply(A).plan.kind is PlanKind.LOAD
    loaded = list(node.commits)
    assert engine.apply(A).plan.kind is PlanKind.NOTHING
    assert node.commits == loaded


def test_commits_of_others_do_not_matter(node: FakeNode, engine: Engine) -> None:
    engine.apply(A)
    node.foreign += 1
    assert engine.apply(A).plan.kind is PlanKind.NOTHING


def test_a_table_that_others_changed_is_replaced(node: FakeNode, engine: Engine) -> None:
    engine.apply(A)
    node.foreign += 100
    outcome = engine.apply(A)
    assert (outcome.drift, outcome.plan.kind) == (Drift.CHANGED, PlanKind.REPLACE)
    assert node.tables == {"inet cnpc"}


def test_a_table_that_is_gone_is_loaded(node: FakeNode, engine: Engine) -> None:
    engine.apply(A)
    node.tables.clear()
    node.foreign += 1
    outcome = engine.apply(A)
    assert (outcome.drift, outcome.plan.kind) == (Drift.GONE, PlanKind.LOAD)


def test_a_table_that_was_not_loaded_here_is_replaced(node: FakeNode, engine: Engine) -> None:
    node.tables.add("inet cnpc")
    outcome = engine.apply(A)
    assert (outcome.drift, outcome.plan.kind) == (Drift.FOREIGN, PlanKind.REPLACE)


def test_after_a_boot_all_is_loaded_without_a_word(node: FakeNode, engine: Engine) -> None:
    engine.apply(A)
    node.tables.clear()
    node.boot = "another"
    assert engine.boot(no_warning) is not None
    assert engine.look()[1].drift is Drift.NONE


def test_what_the_kernel_refuses_changes_nothing(node: FakeNode, engine: Engine) -> None:
    engine.apply(A)
    before, loaded = engine.read(), list(node.commits)
    node.refuse = "table inet cnpc"
    with pytest.raises(NodeError, match="refused"):
        engine.apply(B)
    assert engine.read() == before
    assert node.commits == loaded


@pytest.mark.parametrize("at", range(5))
def test_a_killed_apply_is_made_up_for_by_the_next(node: FakeNode, engine: Engine, at: int) -> None:
    engine.apply(A)
    node.kill_at = len(node.commits) + at
    if at < len(engine.check(B).transactions):
        with pytest.raises(Killed):
            engine.apply(B)
        node.kill_at = None
        assert engine.look()[1].drift is Drift.INTERRUPTED
        assert engine.apply(B).plan.kind is PlanKind.REPLACE
    else:
        engine.apply(B)
    assert engine.look()[1].drift is Drift.NONE
    assert node.tables == {"inet cnpc"}


def test_a_foreign_flush_during_an_apply_is_overcome(node: FakeNode, engine: Engine) -> None:
    engine.apply(A)
    node.flush_at = 2
    engine.apply(B)
    assert node.tables == {"inet cnpc"}
    assert engine.apply(B).plan.kind is PlanKind.NOTHING


def test_rollback_goes_back_and_forth(engine: Engine) -> None:
    first, second = engine.apply(A).version, engine.apply(B).version
    engine.rollback()
    assert first.same(engine.read().current)
    engine.rollback()
    assert second.same(engine.read().current)


def test_rollback_after_flush_brings_back(node: FakeNode, engine: Engine) -> None:
    first = engine.apply(A).version
    assert engine.flush(no_warning)
    assert not node.tables
    assert not engine.flush(no_warning)
    engine.rollback()
    assert first.same(engine.read().current)


def held(engine: Engine) -> PendingConfirm:
    found: list[PendingConfirm] = []
    engine.apply(B, ConfirmTimeout(60, found.append))
    return found[0]


def test_an_unconfirmed_version_goes_away(engine: Engine) -> None:
    first = engine.apply(A).version
    assert engine.revert(held(engine).token)
    assert first.same(engine.read().current)
    assert engine.confirm() is None


@pytest.mark.parametrize("at", range(3))
def test_an_unconfirmed_version_goes_away_if_its_apply_was_killed(
    node: FakeNode, engine: Engine, at: int
) -> None:
    first = engine.apply(A).version
    started: list[PendingConfirm] = []
    node.kill_at = len(node.commits) + at
    with pytest.raises(Killed):
        engine.apply(B, ConfirmTimeout(1, started.append))
    node.kill_at = None
    assert engine.revert(started[0].token)
    assert first.same(engine.read().current)
    assert engine.look()[1].drift is Drift.NONE
    assert engine.apply(A).plan.kind is PlanKind.NOTHING


def test_a_refused_version_does_not_wait(node: FakeNode, engine: Engine) -> None:
    engine.apply(A)
    before = engine.read()
    node.refuse = "table inet cnpc"
    with pytest.raises(NodeError, match="refused"):
        engine.apply(B, ConfirmTimeout(1, lambda _: None))
    assert engine.read() == before


def test_a_version_that_nobody_would_put_back_is_not_loaded(node: FakeNode, engine: Engine) -> None:
    engine.apply(A)
    before, loaded = engine.read(), list(node.commits)

    def refuse(_: PendingConfirm) -> None:
        raise NodeError("cannot start")

    with pytest.raises(NodeError, match="cannot start"):
        engine.apply(B, ConfirmTimeout(1, refuse))
    assert (engine.read(), node.commits) == (before, loaded)


def test_rollback_of_an_interrupted_apply_is_the_version_before_it(
    node: FakeNode, engine: Engine
) -> None:
    engine.apply(B)
    engine.apply(A)
    before = engine.read()
    node.kill_at = len(node.commits)
    with pytest.raises(Killed):
        engine.apply(B)
    node.kill_at = None
    engine.rollback()
    record = engine.read()
    assert A.texts == engine.view.state.texts(record.current) if record.current else False
    assert record.previous == before.previous
    assert engine.look()[1].drift is Drift.NONE


def test_a_confirmed_version_stays(engine: Engine) -> None:
    engine.apply(A)
    pending = held(engine)
    confirmed = engine.confirm()
    assert confirmed is not None
    assert not engine.revert(pending.token)
    assert confirmed.same(engine.read().current)


def test_the_first_version_unconfirmed_leaves_nothing(node: FakeNode, engine: Engine) -> None:
    assert engine.revert(held(engine).token)
    assert not node.tables
    assert engine.read().current is None


def test_an_unconfirmed_version_does_not_outlive_a_boot(node: FakeNode, engine: Engine) -> None:
    first = engine.apply(A).version
    pending = held(engine)
    node.boot = "another"
    node.tables.clear()
    booted = engine.boot(no_warning)
    assert first.same(booted)
    assert not engine.revert(pending.token)


def test_restore_puts_back_the_last_version(node: FakeNode, engine: Engine) -> None:
    assert engine.restore() is Drift.NONE
    first = engine.apply(A).version
    assert engine.restore() is Drift.NONE
    node.tables.clear()
    node.foreign += 1
    engine.save(B)
    before = engine.read()
    assert engine.restore() is Drift.GONE
    assert engine.restore() is Drift.NONE
    after = engine.read()
    assert first.same(after.current)
    assert replace(after, current=None, kernel=None) == replace(before, current=None, kernel=None)


def alter(folder: Path, version: Version) -> None:
    path = folder / "rulesets" / f"{version.texts['nft']}.nft"
    path.write_text(path.read_text().replace("drop", "accept"))


def test_an_altered_file_of_the_record_is_told(engine: Engine, tmp_path: Path) -> None:
    alter(tmp_path, engine.apply(A).version)
    record, now = engine.look()
    assert now.drift is Drift.LOST
    with pytest.raises(NodeError, match="altered"):
        engine.view.recorded(record)
    outcome = engine.apply(B)
    assert (outcome.drift, outcome.plan.kind) == (Drift.LOST, PlanKind.REPLACE)
    assert engine.look()[1].drift is Drift.NONE


def test_an_altered_file_is_written_again_where_its_ruleset_is_given(
    engine: Engine, tmp_path: Path
) -> None:
    alter(tmp_path, engine.apply(A).version)
    assert engine.apply(A).plan.kind is PlanKind.NOTHING
    assert engine.look()[1].drift is Drift.NONE


@pytest.mark.parametrize("loaded", [True, False])
def test_a_damaged_record_counts_as_lost(
    node: FakeNode, engine: Engine, tmp_path: Path, *, loaded: bool
) -> None:
    engine.apply(A)
    (tmp_path / "record.json").write_text("{")
    if not loaded:
        node.tables.clear()
    for look in (engine.look, engine.rollback, lambda: engine.boot(no_warning)):
        with pytest.raises(NodeError, match="damaged"):
            look()
    wanted = PlanKind.REPLACE if loaded else PlanKind.LOAD
    assert engine.check(A).kind is wanted
    outcome = engine.apply(A)
    assert (outcome.drift, outcome.plan.kind) == (Drift.LOST, wanted)
    assert engine.look()[1].drift is Drift.NONE
    assert engine.read().previous is None


def test_flush_needs_no_record(node: FakeNode, engine: Engine, tmp_path: Path) -> None:
    engine.apply(A)
    (tmp_path / "record.json").write_text("{")
    told: list[str] = []
    assert engine.flush(told.append)
    assert not node.tables
    assert len(told) == 1
    assert not engine.flush(no_warning)


def test_a_second_ruleset_does_not_wait_for_its_confirmation(engine: Engine) -> None:
    held(engine)
    with pytest.raises(NodeError, match="waits already"):
        engine.apply(C, ConfirmTimeout(60, lambda _: None))


def test_another_ruleset_ends_the_waiting(engine: Engine) -> None:
    engine.apply(A)
    pending = held(engine)
    waited = engine.read().current
    outcome = engine.apply(C)
    assert (outcome.released, outcome.pending) == (waited, None)
    assert not engine.revert(pending.token)
    assert engine.apply(A).released is None


def test_the_same_ruleset_is_no_confirmation(node: FakeNode, engine: Engine) -> None:
    first = engine.apply(A).version
    pending = held(engine)
    for _ in range(2):
        outcome = engine.apply(B)
        assert outcome.plan.kind is PlanKind.NOTHING
        assert (outcome.released, outcome.pending) == (None, pending)
        node.foreign += 1
    node.tables.clear()
    outcome = engine.apply(B)
    assert (outcome.drift, outcome.pending) == (Drift.GONE, pending)
    assert engine.revert(pending.token)
    assert first.same(engine.read().current)
