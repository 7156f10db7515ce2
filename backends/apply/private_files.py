"""Private files of one folder: nobody else may have put them there, and each is replaced whole."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...compiler.errors import NodeError

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
_OTHERS_WRITE = 0o022


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Turn what the system refuses into a NodeError that names the path."""
    try:
        yield
    except OSError as refusal:
        raise NodeError(f"cannot use {path}: {refusal.strerror or refusal}") from refusal


def check_folder(path: Path) -> None:
    """Raise NodeError where others could have written what a folder holds; it need not be there."""
    with refusals(path):
        try:
            found = path.lstat()
        except FileNotFoundError:
            return
    if stat.S_ISLNK(found.st_mode):
        raise NodeError(f"{path} is a link; use --state-dir with the folder that it leads to")
    if not stat.S_ISDIR(found.st_mode):
        raise NodeError(f"cannot use {path}: {os.strerror(errno.ENOTDIR)}")
    if not _is_ours(found):
        raise NodeError(f"{path} belongs to another user ({found.st_uid}); chown root {path}")
    if found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX:
        raise NodeError(f"others may write into {path}; chmod 700 {path}, and apply the ruleset")


def _is_ours(found: os.stat_result) -> bool:
    return found.st_uid in {0, os.geteuid()}


def read_file(path: Path) -> bytes | None:
    """Return what a regular file holds; None where there is no file.

    OSError as of open(2), and where another user has put it there, as folders like /tmp allow.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO would be waited for
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or not _is_ours(found):
            raise OSError(errno.EPERM, "it is no regular file of this user")
        return file.read()


def replace_file(path: Path, data: bytes, *, sync: bool) -> None:
    """Give a file its contents by rename, with ``sync`` on disk when this returns; OSError."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(_create(aside), "wb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        aside.replace(path)
        if sync:
            sync_path(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def reserve(path: Path, size: int) -> None:
    """Have a file that takes so many bytes of the disk, whatever they are; OSError."""
    with contextlib.suppress(FileNotFoundError):
        if path.lstat().st_size >= size:
            return
    descriptor = _create(path)
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def sync_path(path: Path) -> None:
    """Have a file, or the names in a folder, on disk; OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, PRIVATE_FILE)
