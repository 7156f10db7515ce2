"""The keeper over a node without a kernel: what it commits when, and what it remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from cnpc.backends.apply.dataplane import Drift
from cnpc.backends.apply.engine import Keeper
from cnpc.backends.apply.outcome import Hold
from cnpc.backends.apply.record import Pending, Version
from cnpc.backends.nftables.node.dataplane import given
from cnpc.backends.nftables.plan import Kind
from cnpc.compiler.errors import InputError, NodeError
from fake_node import FakeNode, Killed
from keepers import nft_keeper
from rulesets import changed, ruleset
from worlds import seeded

WORLD = list(seeded(4).objects())
A = given(ruleset(WORLD))
B = next(
    made
    for seed in range(50)
    if (made := given(ruleset(changed(WORLD, Random(seed))))).layout != A.layout  # noqa: S311 - not secret
)


C = given(A.texts["nft"].replace(" accept\n", " counter accept\n"))
REFUSED = given(
    A.texts["nft"].replace("\t\tct state established accept\n", "\t\tgoto nowhere\n", 1)
)


def no_warning(words: str) -> None:
    raise AssertionError(words)


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def keeper(node: FakeNode, tmp_path: Path) -> Keeper:
    return nft_keeper(node, tmp_path)


def test_what_is_in_force_already_is_not_committed(node: FakeNode, keeper: Keeper) -> None:
    assert keeper.apply(A).plan.kind is Kind.LOAD
    loaded = list(node.commits)
    assert keeper.apply(A).plan.kind is Kind.NOTHING
    assert node.commits == loaded


def test_commits_of_others_do_not_matter(node: FakeNode, keeper: Keeper) -> None:
    keeper.apply(A)
    node.foreign += 1
    assert keeper.apply(A).plan.kind is Kind.NOTHING


def test_a_table_that_others_changed_is_replaced(node: FakeNode, keeper: Keeper) -> None:
    keeper.apply(A)
    node.foreign += 100
    outcome = keeper.apply(A)
    assert (outcome.drift, outcome.plan.kind) == (Drift.CHANGED, Kind.REPLACE)
    assert node.tables == {"inet cnpc"}


def test_a_table_that_is_gone_is_loaded(node: FakeNode, keeper: Keeper) -> None:
    keeper.apply(A)
    node.tables.clear()
    node.foreign += 1
    outcome = keeper.apply(A)
    assert (outcome.drift, outcome.plan.kind) == (Drift.GONE, Kind.LOAD)


def test_a_table_that_was_not_loaded_here_is_replaced(node: FakeNode, keeper: Keeper) -> None:
    node.tables.add("inet cnpc")
    outcome = keeper.apply(A)
    assert (outcome.drift, outcome.plan.kind) == (Drift.FOREIGN, Kind.REPLACE)


def test_after_a_boot_all_is_loaded_without_a_word(node: FakeNode, keeper: Keeper) -> None:
    keeper.apply(A)
    node.tables.clear()
    node.boot = "another"
    assert keeper.boot(no_warning) is not None
    assert keeper.look()[1].drift is Drift.NONE


def test_what_the_kernel_refuses_changes_nothing(node: FakeNode, keeper: Keeper) -> None:
    keeper.apply(A)
    before, loaded = keeper.read(), list(node.commits)
    node.refuse = "table inet cnpc"
    with pytest.raises(NodeError, match="refused"):
        keeper.apply(B)
    assert keeper.read() == before
    assert node.commits == loaded


@pytest.mark.parametrize("at", range(5))
def test_a_killed_apply_is_made_up_for_by_the_next(node: FakeNode, keeper: Keeper, at: int) -> None:
    keeper.apply(A)
    node.kill_at = len(node.commits) + at
    if at < len(keeper.check(B).transactions):
        with pytest.raises(Killed):
            keeper.apply(B)
        node.kill_at = None
        assert keeper.look()[1].drift is Drift.INTERRUPTED
        assert keeper.apply(B).plan.kind is Kind.REPLACE
    else:
        keeper.apply(B)
    assert keeper.look()[1].drift is Drift.NONE
    assert node.tables == {"inet cnpc"}


def test_a_foreign_flush_during_an_apply_is_overcome(node: FakeNode, keeper: Keeper) -> None:
    keeper.apply(A)
    node.flush_at = 2
    keeper.apply(B)
    assert node.tables == {"inet cnpc"}
    assert keeper.apply(B).plan.kind is Kind.NOTHING


def test_rollback_goes_back_and_forth(keeper: Keeper) -> None:
    first, second = keeper.apply(A).version, keeper.apply(B).version
    keeper.rollback()
    assert first.same(keeper.read().current)
    keeper.rollback()
    assert second.same(keeper.read().current)


def test_rollback_after_flush_brings_back(node: FakeNode, keeper: Keeper) -> None:
    first = keeper.apply(A).version
    assert keeper.flush(no_warning)
    assert not node.tables
    assert not keeper.flush(no_warning)
    keeper.rollback()
    assert first.same(keeper.read().current)


def held(keeper: Keeper) -> Pending:
    found: list[Pending] = []
    keeper.apply(B, Hold(60, found.append))
    return found[0]


def test_an_unconfirmed_version_goes_away(keeper: Keeper) -> None:
    first = keeper.apply(A).version
    assert keeper.revert(held(keeper).token)
    assert first.same(keeper.read().current)
    assert keeper.confirm() is None


@pytest.mark.parametrize("at", range(3))
def test_an_unconfirmed_version_goes_away_if_its_apply_was_killed(
    node: FakeNode, keeper: Keeper, at: int
) -> None:
    first = keeper.apply(A).version
    started: list[Pending] = []
    node.kill_at = len(node.commits) + at
    with pytest.raises(Killed):
        keeper.apply(B, Hold(1, started.append))
    node.kill_at = None
    assert keeper.revert(started[0].token)
    assert first.same(keeper.read().current)
    assert keeper.look()[1].drift is Drift.NONE
    assert keeper.apply(A).plan.kind is Kind.NOTHING


def test_a_refused_version_does_not_wait(node: FakeNode, keeper: Keeper) -> None:
    keeper.apply(A)
    before = keeper.read()
    node.refuse = "table inet cnpc"
    with pytest.raises(NodeError, match="refused"):
        keeper.apply(B, Hold(1, lambda _: None))
    assert keeper.read() == before


def test_a_version_that_nobody_would_put_back_is_not_loaded(node: FakeNode, keeper: Keeper) -> None:
    keeper.apply(A)
    before, loaded = keeper.read(), list(node.commits)

    def refuse(_: Pending) -> None:
        raise NodeError("cannot start")

    with pytest.raises(NodeError, match="cannot start"):
        keeper.apply(B, Hold(1, refuse))
    assert (keeper.read(), node.commits) == (before, loaded)


def test_rollback_of_an_interrupted_apply_is_the_version_before_it(
    node: FakeNode, keeper: Keeper
) -> None:
    keeper.apply(B)
    keeper.apply(A)
    before = keeper.read()
    node.kill_at = len(node.commits)
    with pytest.raises(Killed):
        keeper.apply(B)
    node.kill_at = None
    keeper.rollback()
    record = keeper.read()
    assert A.texts == keeper.view.state.texts(record.current) if record.current else False
    assert record.previous == before.previous
    assert keeper.look()[1].drift is Drift.NONE


def test_a_confirmed_version_stays(keeper: Keeper) -> None:
    keeper.apply(A)
    pending = held(keeper)
    confirmed = keeper.confirm()
    assert confirmed is not None
    assert not keeper.revert(pending.token)
    assert confirmed.same(keeper.read().current)


def test_the_first_version_unconfirmed_leaves_nothing(node: FakeNode, keeper: Keeper) -> None:
    assert keeper.revert(held(keeper).token)
    assert not node.tables
    assert keeper.read().current is None


def test_an_unconfirmed_version_does_not_outlive_a_boot(node: FakeNode, keeper: Keeper) -> None:
    first = keeper.apply(A).version
    pending = held(keeper)
    node.boot = "another"
    node.tables.clear()
    booted = keeper.boot(no_warning)
    assert first.same(booted)
    assert not keeper.revert(pending.token)


def test_save_changes_only_the_next_boot(node: FakeNode, keeper: Keeper) -> None:
    keeper.apply(A)
    before, loaded = keeper.read(), list(node.commits)
    saved = keeper.save(B)
    assert node.commits == loaded
    assert keeper.read() == replace(before, boot=saved)
    assert keeper.look()[1].drift is Drift.NONE
    assert keeper.restore() is Drift.NONE


def test_a_boot_loads_what_was_saved(node: FakeNode, keeper: Keeper, tmp_path: Path) -> None:
    first = keeper.apply(A).version
    for fault in (False, True):
        saved = keeper.save(B)
        if fault:
            alter(tmp_path, saved)
        node.boot = f"another {fault}"
        node.tables.clear()
        told: list[str] = []
        booted, before = (first, saved) if fault else (saved, first)
        assert booted.same(keeper.boot(told.append))
        assert len(told) == fault
        record = keeper.read()
        assert booted.same(record.current)
        assert before.same(record.previous)
        assert record.settled
        keeper.apply(A)


def test_a_boot_loads_what_was_saved_on_a_new_node(node: FakeNode, keeper: Keeper) -> None:
    saved = keeper.save(A)
    assert keeper.look()[1].drift is Drift.NONE
    assert not node.tables
    assert saved.same(keeper.boot(no_warning))
    assert keeper.read().previous is None


ENDS_WHAT_WAS_SAVED: dict[str, Callable[[Keeper], object]] = {
    "apply": lambda keeper: keeper.apply(C),
    "apply of what is in force": lambda keeper: keeper.apply(A),
    "save of what is in force": lambda keeper: keeper.save(A),
    "rollback": lambda keeper: keeper.rollback(),
    "confirmed": lambda keeper: (keeper.apply(C, Hold(60, lambda _: None)), keeper.confirm()),
    "flush": lambda keeper: keeper.flush(no_warning),
}


@pytest.mark.parametrize("end", ENDS_WHAT_WAS_SAVED)
def test_what_was_saved_ends_with_the_next_decision(keeper: Keeper, end: str) -> None:
    keeper.apply(C)
    keeper.apply(A)
    keeper.save(B)
    ENDS_WHAT_WAS_SAVED[end](keeper)
    record = keeper.read()
    assert record.settled
    assert record.at_boot == record.current


def test_what_was_saved_outlives_what_was_not_confirmed(keeper: Keeper) -> None:
    keeper.apply(A)
    saved = keeper.save(C)
    pending = held(keeper)
    assert saved.same(keeper.read().at_boot)
    assert keeper.revert(pending.token)
    assert saved.same(keeper.read().boot)


def test_save_does_not_confirm(keeper: Keeper) -> None:
    first = keeper.apply(A).version
    pending = held(keeper)
    saved = keeper.save(C)
    assert keeper.read().pending == pending
    assert saved.same(keeper.read().at_boot)
    assert keeper.revert(pending.token)
    assert first.same(keeper.read().current)
    assert saved.same(keeper.read().at_boot)


def test_save_of_what_waits_is_for_the_next_boot(keeper: Keeper) -> None:
    keeper.apply(A)
    held(keeper)
    saved = keeper.save(B)
    assert keeper.confirm() is not None
    assert saved.same(keeper.read().at_boot)


def test_rollback_after_save_and_flush_brings_back_what_was_in_force(keeper: Keeper) -> None:
    first = keeper.apply(A).version
    keeper.save(B)
    keeper.flush(no_warning)
    keeper.rollback()
    assert first.same(keeper.read().current)


def test_restore_puts_back_the_last_version(node: FakeNode, keeper: Keeper) -> None:
    assert keeper.restore() is Drift.NONE
    first = keeper.apply(A).version
    assert keeper.restore() is Drift.NONE
    node.tables.clear()
    node.foreign += 1
    keeper.save(B)
    before = keeper.read()
    assert keeper.restore() is Drift.GONE
    assert keeper.restore() is Drift.NONE
    after = keeper.read()
    assert first.same(after.current)
    assert replace(after, current=None, kernel=None) == replace(before, current=None, kernel=None)


def alter(folder: Path, version: Version) -> None:
    path = folder / "rulesets" / f"{version.texts['nft']}.nft"
    path.write_text(path.read_text().replace("drop", "accept"))


def test_an_altered_file_of_the_record_is_told(keeper: Keeper, tmp_path: Path) -> None:
    alter(tmp_path, keeper.apply(A).version)
    record, now = keeper.look()
    assert now.drift is Drift.LOST
    with pytest.raises(NodeError, match="altered"):
        keeper.view.recorded(record)
    outcome = keeper.apply(B)
    assert (outcome.drift, outcome.plan.kind) == (Drift.LOST, Kind.REPLACE)
    assert keeper.look()[1].drift is Drift.NONE


def test_an_altered_file_is_written_again_where_its_ruleset_is_given(
    keeper: Keeper, tmp_path: Path
) -> None:
    alter(tmp_path, keeper.apply(A).version)
    assert keeper.apply(A).plan.kind is Kind.NOTHING
    assert keeper.look()[1].drift is Drift.NONE


@pytest.mark.parametrize("loaded", [True, False])
def test_a_damaged_record_counts_as_lost(
    node: FakeNode, keeper: Keeper, tmp_path: Path, *, loaded: bool
) -> None:
    keeper.apply(A)
    (tmp_path / "record.json").write_text("{")
    if not loaded:
        node.tables.clear()
    for look in (keeper.look, keeper.rollback, lambda: keeper.boot(no_warning)):
        with pytest.raises(NodeError, match="damaged"):
            look()
    wanted = Kind.REPLACE if loaded else Kind.LOAD
    assert keeper.check(A).kind is wanted
    outcome = keeper.apply(A)
    assert (outcome.drift, outcome.plan.kind) == (Drift.LOST, wanted)
    assert keeper.look()[1].drift is Drift.NONE
    assert keeper.read().previous is None


def test_flush_needs_no_record(node: FakeNode, keeper: Keeper, tmp_path: Path) -> None:
    keeper.apply(A)
    (tmp_path / "record.json").write_text("{")
    told: list[str] = []
    assert keeper.flush(told.append)
    assert not node.tables
    assert len(told) == 1
    assert not keeper.flush(no_warning)


def test_a_second_ruleset_does_not_wait_for_its_confirmation(keeper: Keeper) -> None:
    held(keeper)
    with pytest.raises(NodeError, match="waits already"):
        keeper.apply(C, Hold(60, lambda _: None))


def test_another_ruleset_ends_the_waiting(keeper: Keeper) -> None:
    keeper.apply(A)
    pending = held(keeper)
    waited = keeper.read().current
    outcome = keeper.apply(C)
    assert (outcome.released, outcome.pending) == (waited, None)
    assert not keeper.revert(pending.token)
    assert keeper.apply(A).released is None


def test_the_same_ruleset_is_no_confirmation(node: FakeNode, keeper: Keeper) -> None:
    first = keeper.apply(A).version
    pending = held(keeper)
    for _ in range(2):
        outcome = keeper.apply(B)
        assert outcome.plan.kind is Kind.NOTHING
        assert (outcome.released, outcome.pending) == (None, pending)
        node.foreign += 1
    node.tables.clear()
    outcome = keeper.apply(B)
    assert (outcome.drift, outcome.pending) == (Drift.GONE, pending)
    assert keeper.revert(pending.token)
    assert first.same(keeper.read().current)


def test_what_is_no_ruleset_is_not_saved(keeper: Keeper) -> None:
    keeper.apply(A)
    with pytest.raises(InputError):
        keeper.save(given(A.texts["nft"][:-9]))
    assert keeper.look()[1].drift is Drift.NONE


@pytest.mark.parametrize("fault", ["altered", "gone", "refused", "same boot"])
def test_a_boot_falls_back_to_the_version_before(
    node: FakeNode, keeper: Keeper, tmp_path: Path, fault: str
) -> None:
    first, second = keeper.apply(A).version, keeper.apply(REFUSED).version
    texts = tmp_path / "rulesets" / f"{second.texts['nft']}.nft"
    if fault == "gone":
        texts.unlink()
    elif fault == "refused":
        node.refuse = "goto nowhere"
    else:
        alter(tmp_path, second)
    if fault != "same boot":
        node.boot = "another"
        node.tables.clear()
    told: list[str] = []
    assert first.same(keeper.boot(told.append))
    why = "refused: goto nowhere" if fault == "refused" else f"{texts} is gone or was altered"
    told_of = f"{second.id} cannot be loaded ({why}); loading {first.id}, the version before"
    assert told == [told_of]
    assert second.same(keeper.read().previous)
    assert keeper.look()[1].drift is Drift.NONE


def test_a_boot_without_a_version_to_fall_back_to_fails(
    node: FakeNode, keeper: Keeper, tmp_path: Path
) -> None:
    alter(tmp_path, keeper.apply(A).version)
    node.boot = "another"
    with pytest.raises(NodeError, match="altered"):
        keeper.boot(no_warning)
