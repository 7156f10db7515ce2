"""What a node loads at its next boot: what was saved, or the version before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cnpc.backends.apply.dataplane import Drift
from cnpc.backends.apply.engine import Engine
from cnpc.backends.apply.outcome import ConfirmTimeout
from cnpc.backends.apply.record import PendingConfirm, Version
from cnpc.backends.nftables.node.dataplane import ruleset_source
from cnpc.compiler.errors import InputError, NodeError
from fake_node import FakeNode
from small_rulesets import REFUSED, A, B, C


def no_warning(words: str) -> None:
    raise AssertionError(words)


def held(engine: Engine) -> PendingConfirm:
    found: list[PendingConfirm] = []
    engine.apply(B, ConfirmTimeout(60, found.append))
    return found[0]


def alter(folder: Path, version: Version) -> None:
    path = folder / "rulesets" / f"{version.texts['nft']}.nft"
    path.write_text(path.read_text().replace("drop", "accept"))


def test_save_changes_only_the_next_boot(node: FakeNode, engine: Engine) -> None:
    engine.apply(A)
    before, loaded = engine.read(), list(node.commits)
    saved = engine.save(B)
    assert node.commits == loaded
    assert engine.read() == replace(before, boot=saved)
    assert engine.look()[1].drift is Drift.NONE
    assert engine.restore() is Drift.NONE


def test_a_boot_loads_what_was_saved(node: FakeNode, engine: Engine, tmp_path: Path) -> None:
    first = engine.apply(A).version
    for fault in (False, True):
        saved = engine.save(B)
        if fault:
            alter(tmp_path, saved)
        node.boot = f"another {fault}"
        node.tables.clear()
        told: list[str] = []
        booted, before = (first, saved) if fault else (saved, first)
        assert booted.same(engine.boot(told.append))
        assert len(told) == fault
        record = engine.read()
        assert booted.same(record.current)
        assert before.same(record.previous)
        assert record.settled
        engine.apply(A)


def test_a_boot_loads_what_was_saved_on_a_new_node(node: FakeNode, engine: Engine) -> None:
    saved = engine.save(A)
    assert engine.look()[1].drift is Drift.NONE
    assert not node.tables
    assert saved.same(engine.boot(no_warning))
    assert engine.read().previous is None


ENDS_WHAT_WAS_SAVED: dict[str, Callable[[Engine], object]] = {
    "apply": lambda engine: engine.apply(C),
    "apply of what is in force": lambda engine: engine.apply(A),
    "save of what is in force": lambda engine: engine.save(A),
    "rollback": lambda engine: engine.rollback(),
    "confirmed": lambda engine: (
        engine.apply(C, ConfirmTimeout(60, lambda _: None)),
        engine.confirm(),
    ),
    "flush": lambda engine: engine.flush(no_warning),
}


@pytest.mark.parametrize("end", ENDS_WHAT_WAS_SAVED)
def test_what_was_saved_ends_with_the_next_decision(engine: Engine, end: str) -> None:
    engine.apply(C)
    engine.apply(A)
    engine.save(B)
    ENDS_WHAT_WAS_SAVED[end](engine)
    record = engine.read()
    assert record.settled
    assert record.at_boot == record.current


def test_what_was_saved_outlives_what_was_not_confirmed(engine: Engine) -> None:
    engine.apply(A)
    saved = engine.save(C)
    pending = held(engine)
    assert saved.same(engine.read().at_boot)
    assert engine.revert(pending.token)
    assert saved.same(engine.read().boot)


def test_save_does_not_confirm(engine: Engine) -> None:
    first = engine.apply(A).version
    pending = held(engine)
    saved = engine.save(C)
    assert engine.read().pending == pending
    assert saved.same(engine.read().at_boot)
    assert engine.revert(pending.token)
    assert first.same(engine.read().current)
    assert saved.same(engine.read().at_boot)


def test_save_of_what_waits_is_for_the_next_boot(engine: Engine) -> None:
    engine.apply(A)
    held(engine)
    saved = engine.save(B)
    assert engine.confirm() is not None
    assert saved.same(engine.read().at_boot)


def test_rollback_after_save_and_flush_brings_back_what_was_in_force(engine: Engine) -> None:
    first = engine.apply(A).version
    engine.save(B)
    engine.flush(no_warning)
    engine.rollback()
    assert first.same(engine.read().current)


def test_what_is_no_ruleset_is_not_saved(engine: Engine) -> None:
    engine.apply(A)
    with pytest.raises(InputError):
        engine.save(ruleset_source(A.texts["nft"][:-9]))
    assert engine.look()[1].drift is Drift.NONE


@pytest.mark.parametrize("fault", ["altered", "gone", "refused", "same boot"])
def test_a_boot_falls_back_to_the_version_before(
    node: FakeNode, engine: Engine, tmp_path: Path, fault: str
) -> None:
    first, second = engine.apply(A).version, engine.apply(REFUSED).version
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
    assert first.same(engine.boot(told.append))
    why = "refused: goto nowhere" if fault == "refused" else f"{texts} is gone or was altered"
    told_of = f"{second.id} cannot be loaded ({why}); loading {first.id}, the version before"
    assert told == [told_of]
    assert second.same(engine.read().previous)
    assert engine.look()[1].drift is Drift.NONE


def test_a_boot_without_a_version_to_fall_back_to_fails(
    node: FakeNode, engine: Engine, tmp_path: Path
) -> None:
    alter(tmp_path, engine.apply(A).version)
    node.boot = "another"
    with pytest.raises(NodeError, match="altered"):
        engine.boot(no_warning)
