"""What cnpc knows of this node between two runs: which rulesets it loaded, and how the kernel was.

One folder, /var/lib/cnpc unless told otherwise. Rulesets are files named by a digest of their
contents; one small file, replaced by rename, says which of them counts. So whatever is interrupted,
the record is an old or a new one, whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...compiler.errors import NodeError
from ..linux.machine_id import machine
from .private_files import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    check_folder,
    read_file,
    refusals,
    replace_file,
    reserve,
    sync_path,
)
from .record import DamagedError, Record, Version, from_json, to_json

DEFAULT_STATE = Path("/var/lib/cnpc")

_RECORD, _INTENT, _LOCK, _RULESETS = "record.json", "intent.json", "lock", "rulesets"
_ROOM = "room"
_ROOM_BYTES = 1 << 18  # a record has some 80 bytes for each set of the ruleset
_LOCK_SECONDS = 30.0
_LOCK_STEP = 0.02
_UNWRITABLE = {errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EACCES}
_PART = 1 << 18  # bytes that fit into a processor's cache
_hash = partial(hashlib.blake2b, digest_size=16)


class Store:
    """The folder; every failure is a NodeError that names the file."""

    def __init__(self, path: Path = DEFAULT_STATE) -> None:
        """Take the folder as it is; the first lock makes it."""
        self.path = path
        self._held_texts: dict[Path, bytes] = {}
        self._unwritten: tuple[bytes | None, Record] | None = None

    @contextmanager
    def lock(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the folder for one process; ``waiting`` is called once if another one has it.

        NodeError after half a minute. A disk that takes nothing is no reason against it.
        """
        check_folder(self.path)
        with refusals(self.path):
            lock = self._lock_file()
        if lock is None:
            yield
            return
        with self._held(lock, waiting):
            yield

    def _lock_file(self) -> int | None:
        """Return the open file; None where there is none, and none can be made."""
        path = self.path / _LOCK
        try:
            self.path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            (self.path / _RULESETS).mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            return os.open(path, flags, PRIVATE_FILE)
        except OSError as refusal:
            if refusal.errno not in _UNWRITABLE:
                raise
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None

    @contextmanager
    def read_lock(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the folder in order to read; it need not be there, nor be writable."""
        check_folder(self.path)
        try:
            with refusals(self.path):
                lock = os.open(self.path / _LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except NodeError as refusal:
            if not isinstance(refusal.__cause__, FileNotFoundError):
                raise
            yield
            return
        with self._held(lock, waiting):
            yield

    @contextmanager
    def _held(self, lock: int, waiting: Callable[[], None]) -> Iterator[None]:
        try:
            if not _try_lock(lock):
                waiting()
                self._wait(lock)
            yield
        finally:
            os.close(lock)

    def _wait(self, lock: int) -> None:
        end = time.monotonic() + _LOCK_SECONDS
        while not _try_lock(lock):
            if time.monotonic() > end:
                raise NodeError(f"another cnpc holds {self.path / _LOCK} for {_LOCK_SECONDS:.0f} s")
            time.sleep(_LOCK_STEP)

    def read(self) -> Record:
        """Return the record, empty where nothing was loaded yet; NodeError if it is damaged.

        What this process could not write counts in it, until another one has written.
        """
        path = self.path / _RECORD
        check_folder(self.path)
        check_folder(self.path / _RULESETS)
        with refusals(path):
            data = read_file(path)
        if self._unwritten and self._unwritten[0] == data:
            return self._unwritten[1]
        self._unwritten = None
        try:
            return Record() if data is None else from_json(data)
        except DamagedError as problem:
            raise NodeError(f"{path} is damaged ({problem}); apply the ruleset again") from None

    def damaged(self) -> bool:
        """Tell whether there is a record, and it cannot be read."""
        try:
            self.read()
        except NodeError:
            return True
        return False

    def write(self, record: Record) -> None:
        """Replace the record, on disk when this returns, and forget rulesets it does not name."""
        path = self.path / _RECORD
        try:
            self._sync_rulesets(record)
            self._remove(_ROOM)
            with refusals(path):
                replace_file(path, to_json(replace(record, machine=machine())), sync=True)
        except NodeError:
            with contextlib.suppress(OSError):
                self._unwritten = (read_file(path), record)
            raise
        self._unwritten = None
        self._forget(record)
        with contextlib.suppress(OSError):  # whoever changes the kernel next needs it
            reserve(self.path / _ROOM, _ROOM_BYTES)

    @property
    def unwritten(self) -> bool:
        """Whether something could not be written that counts in this process."""
        return self._unwritten is not None

    def write_again(self) -> None:
        """Write what could not be written, where that still counts; NodeError as of ``write``."""
        record = self.read()
        if self.unwritten:
            self.write(record)
            self.end()

    def interrupted(self) -> bool:
        """Tell whether a change was begun and its end never recorded."""
        return not self._unwritten and (self.path / _INTENT).exists()

    def begin(self, version: Version | None) -> None:
        """Note that the kernel is about to be changed, and take the room for the next record.

        NodeError where there is none, which would be too late afterwards. It need not reach the
        disk: after a crash of the machine the kernel has no ruleset at all.
        """
        with refusals(self.path / _ROOM):
            reserve(self.path / _ROOM, _ROOM_BYTES)
        with refusals(self.path / _INTENT):
            replace_file(self.path / _INTENT, to_json(version), sync=False)

    def end(self) -> None:
        """Note that the kernel is as the record says."""
        self._remove(_INTENT)

    def _remove(self, name: str) -> None:
        with refusals(self.path / name):
            (self.path / name).unlink(missing_ok=True)

    def keep(self, backend: str, texts: Mapping[str, str]) -> Version:
        """Store the texts of a ruleset, and return it as loaded now."""
        digests = {}
        for suffix, text in texts.items():
            data = text.encode()
            digests[suffix] = digest(data)
            path = self._ruleset(digests[suffix], suffix)
            if not _holds(path, data):
                with refusals(path):
                    replace_file(path, data, sync=False)
        return Version(backend=backend, texts=digests, since=now_text())

    def texts(self, version: Version) -> Mapping[str, str]:
        """Return the texts of a version by suffix; NodeError if a file is gone or was altered."""
        found = {}
        for suffix, wanted in version.texts.items():
            path = self._ruleset(wanted, suffix)
            with refusals(path):
                data = read_file(path) or b""
            if digest(data) != wanted:
                data = self._held_texts.get(path, b"")
            if digest(data) != wanted:
                raise NodeError(f"{path} is gone or was altered; apply the ruleset again")
            found[suffix] = data.decode()
        return found

    def hold_texts(self, versions: Iterable[Version]) -> None:
        """Keep the texts of versions in memory; NodeError as of ``texts``."""
        for version in versions:
            for suffix, text in self.texts(version).items():
                self._held_texts[self._ruleset(version.texts[suffix], suffix)] = text.encode()

    def says(self, version: Version, files: Mapping[str, Path]) -> bool:
        """Tell whether files, by suffix, are the texts of a version, and so are the copies kept."""
        return version.texts.keys() == files.keys() and all(
            _both_are(wanted, files[suffix], self._ruleset(wanted, suffix))
            for suffix, wanted in version.texts.items()
        )

    def _ruleset(self, digest: str, suffix: str) -> Path:
        return self.path / _RULESETS / f"{digest}.{suffix}"

    def _named(self, record: Record) -> set[Path]:
        return {
            self._ruleset(digest, suffix)
            for version in record.versions
            for suffix, digest in version.texts.items()
        }

    def _sync_rulesets(self, record: Record) -> None:
        for path in self._named(record):
            with refusals(path), contextlib.suppress(FileNotFoundError):
                sync_path(path)

    def _forget(self, record: Record) -> None:
        named = self._named(record)
        with contextlib.suppress(OSError):  # what is left over is taken away another time
            for path in (self.path / _RULESETS).iterdir():
                if path not in named:
                    path.unlink()


def digest(data: bytes) -> str:
    """Return what a ruleset's text is known by."""
    return _hash(data).hexdigest()


def now_text() -> str:
    """Return the time, UTC, as RFC 3339 has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _holds(path: Path, data: bytes) -> bool:
    try:
        return read_file(path) == data
    except OSError:
        return False


def _both_are(wanted: str, path: Path, copy: Path) -> bool:
    """Tell whether two regular files have the contents of a digest, a part at a time."""
    whole = _hash()
    with path.open("rb", buffering=0) as one, copy.open("rb", buffering=0) as other:
        while part := one.read(_PART):
            if other.read(_PART) != part:
                return False
            whole.update(part)
        return not other.read(1) and whole.hexdigest() == wanted


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
