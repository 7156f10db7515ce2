from __future__ import annotations

import json
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from cnpc.backends.apply.record import (
    KernelState,
    PendingConfirm,
    Record,
    Version,
    from_json,
    to_json,
)
from cnpc.backends.apply.store import Store
from cnpc.compiler.errors import NodeError


def nobody_waits() -> None:
    raise AssertionError("nobody has the lock")


def test_all_that_is_kept_is_private(tmp_path: Path) -> None:
    state = Store(tmp_path / "state")
    with state.lock(nobody_waits):
        state.write(Record(current=state.keep("nftables", {"nft": "text"})))
        state.begin(None)
    for path in [state.path, *state.path.rglob("*")]:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    state = Store(tmp_path)
    with state.lock(nobody_waits):
        assert state.read() == Record()
        version = state.keep("nftables", {"nft": "text"})
        state.write(Record(current=version))
    assert state.read() == Record(current=version)
    assert state.texts(version) == {"nft": "text"}


def test_rulesets_that_no_record_names_are_forgotten(tmp_path: Path) -> None:
    state = Store(tmp_path)
    with state.lock(nobody_waits):
        state.write(Record(current=state.keep("nftables", {"nft": "old"})))
        state.write(Record(current=state.keep("nftables", {"nft": "new"})))
    assert [path.read_text() for path in (tmp_path / "rulesets").iterdir()] == ["new"]


def test_all_that_a_record_names_is_kept(tmp_path: Path) -> None:
    state = Store(tmp_path)
    with state.lock(nobody_waits):
        a, b, c, d, e, f = (state.keep("nftables", {"nft": name}) for name in "abcdef")
        pending = PendingConfirm(
            token="", until=0, boot="b", back_to=c, back_previous=d, back_boot=e
        )
        state.write(Record(current=a, previous=b, pending=pending, boot=f))
    assert [state.texts(version)["nft"] for version in (a, b, c, d, e, f)] == list("abcdef")


MARK = "0123456789abcdef"
VERSION = Version(backend="nftables", texts={"nft": "01ab"}, since="2026-01-02T03:04:05Z")
WHOLE = Record(
    current=VERSION,
    previous=Version(
        backend="iptables", texts={"ipset": "0", "v4": "1", "v6": "2"}, since="\N{SNOWMAN}"
    ),
    kernel=KernelState(
        place="b/1", generation=7, structure="s", contents={"a": "1"}, sizes={"a": 8}
    ),
    pending=PendingConfirm(
        token=MARK, until=1.5, boot="b", back_to=VERSION, back_previous=None, back_boot=VERSION
    ),
    boot=VERSION,
)


@pytest.mark.parametrize(
    "record",
    [
        Record(),
        WHOLE,
        Record(kernel=KernelState(place="b/1", generation=None, structure="s")),
        Record(
            pending=PendingConfirm(
                token=MARK, until=2, boot="b", back_to=None, back_previous=VERSION
            )
        ),
    ],
)
def test_a_record_is_what_its_json_says(record: Record) -> None:
    assert from_json(to_json(record)) == record


def test_what_json_lacks_was_never_noted() -> None:
    assert from_json(b"{}") == Record()
    assert WHOLE.pending is not None
    noted = json.loads(to_json(WHOLE))
    del noted["boot"], noted["pending"]["back_boot"]  # as before there was something to save
    pending = replace(WHOLE.pending, back_boot=None)
    assert from_json(json.dumps(noted).encode()) == replace(WHOLE, pending=pending, boot=None)


DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"\xff",
    b'{"current": 3}',
    b"[" * 200_000,
    b'{"current":' + b"9" * 5_000 + b"}",
    *(
        to_json(WHOLE).replace(good, wrong, 1)
        for good, wrong in (
            (b'"nftables"', b"null"),
            (b'"nftables"', b'"magic"'),
            (b'{"nft":', b'{"../nft":'),
            (b'"01ab"', b'"../../../etc/shadow"'),
            (b'"01ab"', b'""'),
            (b"2026-01-02T03:04:05Z", b"\\u001b[2J"),
            (b"2026-01-02T03:04:05Z", b"\\udc80"),
            (b'"until":1.5', b'"until":Infinity'),
            (b'"until":1.5', b'"until":NaN'),
            (b'{"nft":"01ab"}', b"{}"),
            (b'"01ab"', b"1"),
            (b'"since"', b'"until"'),
            (b'"place":"b/1"', b'"place":1'),
            (b'"generation":7', b'"generation":"7"'),
            (b'{"a":"1"}', b'{"a":1}'),
            (b'{"a":8}', b'{"a":"8"}'),
            (b'"until":1.5', b'"until":"1.5"'),
            (b'"back_previous":null', b'"back_previous":{}'),
            (b'"boot":{', b'"boot":{"texts":3},"":{'),
        )
    ),
]


@pytest.mark.parametrize("data", DAMAGED)
def test_a_damaged_record_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "record.json").write_bytes(data)
    with pytest.raises(NodeError, match="damaged"):
        Store(tmp_path).read()


def test_two_do_not_hold_the_lock_together(tmp_path: Path) -> None:
    state, order, waiting = Store(tmp_path), [], threading.Event()

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
    with Store(tmp_path / "none").read_lock(nobody_waits):
        assert Store(tmp_path / "none").read() == Record()
    assert not (tmp_path / "none").exists()
