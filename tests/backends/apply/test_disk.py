"""A disk that is full or read-only, and kills before and after each write: the engine's record."""

from __future__ import annotations

import ast
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cnpc.backends.apply.engine import Engine
from cnpc.backends.apply.outcome import ConfirmTimeout
from cnpc.backends.apply.private_files import check_folder, read_file
from cnpc.backends.apply.store import Store
from cnpc.compiler.errors import NodeError
from engines import nft_engine
from fake_node import FakeNode, Killed
from faulty_disk import CALLS, faulty_disk
from small_rulesets import A, B

ROOT = Path(__file__).parents[3]
ERRORS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT)


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


def keeper_of(node: FakeNode, folder: Path, told: list[str]) -> Engine:
    return nft_engine(node, folder, told.append)


GOING_BACK: dict[str, Callable[[Engine], object]] = {
    "rollback": lambda engine: engine.rollback(),
    "flush": lambda engine: engine.flush(pytest.fail),
}
DEEDS: dict[str, Callable[[Engine], object]] = {
    **GOING_BACK,
    "apply": lambda engine: engine.apply(B),
    "save": lambda engine: engine.save(B),
    "boot": lambda engine: engine.boot(pytest.fail),
    "confirm": lambda engine: engine.confirm(),
}


def in_force(node: FakeNode) -> str:
    """Return the last text that was committed, as far as it says what is in force."""
    return node.commits[-1] if node.tables else ""


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("deed", DEEDS)
def test_a_disk_that_takes_nothing(
    monkeypatch: pytest.MonkeyPatch, node: FakeNode, tmp_path: Path, deed: str, error: int
) -> None:
    """What goes back is done all the same, with a warning; what loads is refused, untouched."""
    told: list[str] = []
    engine = keeper_of(node, tmp_path, told)
    engine.apply(B)
    engine.apply(A)
    before, record = list(node.commits), engine.read()
    with faulty_disk(monkeypatch) as disk:
        disk.error, disk.first = error, 0
        if deed in GOING_BACK:
            DEEDS[deed](engine)
            assert node.commits != before
            assert len(told) == 1
            assert "cannot be recorded" in told[0]
        elif deed == "confirm":
            assert engine.confirm() is None
        else:
            with pytest.raises(NodeError, match="cannot use"):
                DEEDS[deed](engine)
            if deed != "boot":
                assert node.commits == before
    other = keeper_of(node, tmp_path, told)
    assert other.read() == record
    other.apply(A)
    assert other.look()[1].drift.value == ""


@pytest.mark.parametrize("error", ERRORS)
def test_what_was_not_confirmed_goes_back_and_is_recorded_later(
    monkeypatch: pytest.MonkeyPatch, node: FakeNode, tmp_path: Path, error: int
) -> None:
    engine = keeper_of(node, tmp_path, [])
    engine.apply(A)
    first = engine.read().current
    tokens: list[str] = []
    engine.apply(B, ConfirmTimeout(60, lambda pending: tokens.append(pending.token)))
    guardian = keeper_of(node, tmp_path, [])
    guardian.ready_to_revert(tokens[0])
    before = list(node.commits)
    with faulty_disk(monkeypatch) as disk:
        disk.error, disk.first = error, 0
        with pytest.raises(NodeError, match="cannot use"):
            guardian.revert(tokens[0])
        assert node.commits != before
        assert not guardian.waits(tokens[0])
        committed = list(node.commits)
        for _ in range(3):
            with pytest.raises(NodeError, match="cannot use"):
                guardian.write_again()
        assert guardian.look()[1].drift.value == ""
        assert node.commits == committed
    assert engine.waits(tokens[0])
    guardian.write_again()
    assert first
    assert first.same(engine.read().current)
    assert engine.look()[1].drift.value == ""
    assert node.commits == committed


def test_what_others_write_ends_what_could_not_be_written(
    monkeypatch: pytest.MonkeyPatch, node: FakeNode, tmp_path: Path
) -> None:
    one, other = keeper_of(node, tmp_path, []), keeper_of(node, tmp_path, [])
    one.apply(A)
    with faulty_disk(monkeypatch) as disk:
        disk.error, disk.first = errno.EROFS, 0
        one.flush(pytest.fail)
        assert one.read().current is None
    other.apply(B)
    one.write_again()
    assert one.read() == other.read()
    assert one.read().current is not None


def test_a_full_disk_is_none_for_the_next_record(
    monkeypatch: pytest.MonkeyPatch, node: FakeNode, tmp_path: Path
) -> None:
    """The room for it was taken when there was some."""
    engine = keeper_of(node, tmp_path, [])
    engine.apply(A)
    room = tmp_path / "room"
    assert room.stat().st_blocks * 512 >= room.stat().st_size > 0
    with faulty_disk(monkeypatch) as disk:
        engine.apply(B)
        calls = disk.calls
    assert calls
    assert room.exists()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("deed", DEEDS)
def test_a_kill_at_any_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, deed: str, *, after: bool
) -> None:
    """The record is an old or a new one, and the next apply makes up for it."""
    number = 0
    while True:
        node, folder = FakeNode(), tmp_path / str(number)
        engine = keeper_of(node, folder, [])
        engine.apply(B)
        engine.apply(A)
        with faulty_disk(monkeypatch) as disk:
            disk.kill_at, disk.after = number, after
            try:
                DEEDS[deed](engine)
                killed = False
            except Killed:
                killed = True
        other = keeper_of(node, folder, [])
        other.read()
        other.look()
        other.apply(B)
        assert node.tables == {"inet cnpc"}
        assert other.look()[1].drift.value == ""
        assert B.texts == Store(folder).texts(other.apply(B).version)
        if not killed:
            assert number or deed == "confirm"
            return
        number += 1


def with_mode(mode: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.mkdir()
        path.chmod(mode)

    return make


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link": (lambda path: path.symlink_to(path.with_name("there")), "is a link"),
    "a file": (lambda path: path.write_text(""), "Not a directory"),
    "others write": (with_mode(0o770), "others may write"),
    "all write": (with_mode(0o707), "others may write"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_folder_that_others_could_have_filled(node: FakeNode, tmp_path: Path, what: str) -> None:
    folder = tmp_path / "state"
    (tmp_path / "there").mkdir()
    make, words = HOSTILE[what]
    make(folder)
    engine = keeper_of(node, folder, [])
    for use in (engine.read, engine.look, lambda: engine.apply(A), lambda: engine.flush(print)):
        with pytest.raises(NodeError, match=words):
            use()
    assert not node.commits
    assert not list((tmp_path / "there").iterdir())


def test_files_that_others_put_there(node: FakeNode, tmp_path: Path) -> None:
    """In a folder like /tmp, where nobody can take away what another one has made."""
    tmp_path.chmod(0o1777)
    engine = keeper_of(node, tmp_path, [])
    record = tmp_path / "record.json"
    makes: tuple[Callable[[], None], ...] = (
        lambda: os.mkfifo(record),
        lambda: record.symlink_to("/etc/hostname"),
        record.mkdir,
    )
    for make in makes:
        make()
        with pytest.raises(NodeError, match="cannot use"):
            engine.read()
        if record.is_dir() and not record.is_symlink():
            record.rmdir()
        else:
            record.unlink()
    assert read_file(record) is None
    check_folder(tmp_path)
    if os.geteuid() == 0:
        record.write_text("{}")
        os.chown(record, 65534, 65534)
        with pytest.raises(NodeError, match="no regular file of this user"):
            engine.read()
        os.chown(tmp_path, 65534, 65534)
        with pytest.raises(NodeError, match="belongs to another user"):
            check_folder(tmp_path)


def test_only_these_modules_write_files() -> None:
    """Whoever adds another one adds its faults here."""
    writing = {"write_text", "write_bytes", "open", "touch", "symlink_to", "mkdtemp", *CALLS}
    found = set()
    for top in ("backends", "compiler"):
        for path in (ROOT / top).rglob("*.py"):
            for item in ast.walk(ast.parse(path.read_text())):
                match item:
                    case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr=name)) if (
                        name in writing
                    ):
                        found.add(path.name)
                    case ast.Call(func=ast.Attribute(attr="write_text" | "write_bytes" | "touch")):
                        found.add(path.name)
    assert found - {"files.py", "private_files.py", "store.py"} <= READING


READING = {"doctor.py", "main.py", "messages.py", "netlink.py", "parallel.py"}
"""They open only what is there, or the device that takes all."""
