from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from cnpc.backends.record import Record, State
from cnpc.compiler.errors import NodeError


def nobody_waits() -> None:
    raise AssertionError("nobody has the lock")


def test_all_that_is_kept_is_private(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    with state.lock(nobody_waits):
        state.write(Record(current=state.keep("nftables", {"nft": "text"})))
        state.begin(None)
    for path in [state.path, *state.path.rglob("*")]:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.lock(nobody_waits):
        assert state.read() == Record()
        version = state.keep("nftables", {"nft": "text"})
        state.write(Record(current=version))
    assert state.read() == Record(current=version)
    assert state.texts(version) == {"nft": "text"}


def test_rulesets_that_no_record_names_are_forgotten(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.lock(nobody_waits):
        state.write(Record(current=state.keep("nftables", {"nft": "old"})))
        state.write(Record(current=state.keep("nftables", {"nft": "new"})))
    assert [path.read_text() for path in (tmp_path / "rulesets").iterdir()] == ["new"]


@pytest.mark.parametrize("data", [b"", b"{", b'{"current": 3}'])
def test_a_damaged_record_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "record.json").write_bytes(data)
    with pytest.raises(NodeError, match="damaged"):
        State(tmp_path).read()


def test_two_do_not_hold_the_lock_together(tmp_path: Path) -> None:
    state, order, waiting = State(tmp_path), [], threading.Event()

    def second() -> None:
        with state.lock(waiting.set):
            order.append("second")

    with state.lock(nobody_waits):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_reading_needs_no_folder(tmp_path: Path) -> None:
    with State(tmp_path / "none").read_lock(nobody_waits):
        assert State(tmp_path / "none").read() == Record()
    assert not (tmp_path / "none").exists()
