"""Whether a ruleset is in force, told at once: only where all there is says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cnpc.backends.apply.generation_check import installed_version
from cnpc.backends.apply.record import KernelState, PendingConfirm, Record, Version
from cnpc.backends.apply.store import Store
from cnpc.compiler.errors import NodeError

TEXTS = {"ipset": "sets\n", "v4": "first\n", "v6": "x" * 1_000_000}
KERNEL = KernelState(place="boot/1", generation=7, structure="s")


@dataclass
class FakeSigns:
    """Shows what it is told to."""

    backend: str = "iptables"
    where: str = KERNEL.place
    generation: int = 7

    def netns_id(self) -> str:
        return self.where

    def is_unchanged(self, kernel: KernelState) -> bool:
        return kernel.generation == self.generation


@dataclass
class Case:
    """A version in force, its files, and what is noted of it."""

    folder: Path
    state: Store
    record: Record
    signs: FakeSigns

    def found(self) -> Version | None:
        files = {suffix: self.folder / f"node.{suffix}" for suffix in TEXTS}
        return installed_version(files, self.state, self.signs)

    def noted(self, record: Record) -> None:
        self.state.write(record)

    def copies(self) -> list[Path]:
        return sorted((self.state.path / "rulesets").iterdir())


@pytest.fixture
def case(tmp_path: Path) -> Case:
    for suffix, text in TEXTS.items():
        (tmp_path / f"node.{suffix}").write_text(text)
    state = Store(tmp_path / "state")
    with state.lock(lambda: None):
        record = Record(current=state.keep("iptables", TEXTS), kernel=KERNEL)
        state.write(record)
    return Case(tmp_path, state, record, FakeSigns())


def test_a_ruleset_that_nobody_touched_is_in_force(case: Case) -> None:
    assert case.found() == case.record.current


def alter(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


def altered_alike(case: Case) -> None:
    """Edit the copies that are kept, and apply these."""
    for copy in case.copies():
        alter(copy, lambda text: f"{text}y")
        (case.folder / f"node{copy.suffix}").write_text(copy.read_text())


CHANGES: dict[str, Callable[[Case], None]] = {
    "another text": lambda case: alter(case.folder / "node.v4", str.upper),
    "a text cut off": lambda case: alter(case.folder / "node.v6", lambda text: text[:-1]),
    "a text without anything": lambda case: alter(case.folder / "node.v6", lambda _: ""),
    "a longer text": lambda case: alter(case.folder / "node.v6", lambda text: f"{text}y"),
    "a copy altered": lambda case: alter(case.copies()[0], str.upper),
    "a longer copy": lambda case: alter(case.copies()[0], lambda text: f"{text}y"),
    "file and copy altered alike": altered_alike,
    "an interrupted change": lambda case: case.state.begin(None),
    "another boot": lambda case: setattr(case.signs, "where", "boot/2"),
    "another backend": lambda case: setattr(case.signs, "backend", "nftables"),
    "a commit of others": lambda case: setattr(case.signs, "generation", 8),
    "nothing ever loaded": lambda case: case.noted(Record()),
    "loaded, but not in this boot": lambda case: case.noted(replace(case.record, kernel=None)),
    "another saved for the next boot": lambda case: case.noted(
        replace(case.record, boot=case.record.current)
    ),
    "not confirmed yet": lambda case: case.noted(
        replace(
            case.record,
            pending=PendingConfirm(boot="", token="", until=0, back_to=None, back_previous=None),
        )
    ),
    "flushed": lambda case: case.noted(Record(previous=case.record.current)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_anything_else_takes_a_closer_look(case: Case, change: str) -> None:
    CHANGES[change](case)
    assert case.found() is None


def test_fewer_files_are_not_the_ruleset(case: Case) -> None:
    assert installed_version({"v4": case.folder / "node.v4"}, case.state, case.signs) is None


@pytest.mark.parametrize("gone", ["copy", "record"])
def test_what_is_gone_or_damaged_is_not_taken_for_well(case: Case, gone: str) -> None:
    if gone == "copy":
        case.copies()[0].unlink()
    else:
        (case.state.path / "record.json").write_text("{")
    with pytest.raises((OSError, NodeError)):
        case.found()
