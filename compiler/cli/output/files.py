"""Where texts go: standard output, or files that appear whole or not at all.

All files are written aside, and their names tried, before the first gets its name. The system has
no way to name several at once: a crash just then leaves some new and the rest as they were.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Self

import click

from ...errors import InputError, NodeError, error
from .messages import abandon_standard_output

_LONGEST_STEM = 240


def file_stem(node: str) -> str:
    """Return what the files of a node are called, without the suffix.

    A node's name may have 253 characters, and a file's 255 with its suffix: a longer name is cut,
    and ends in its digest.
    """
    if len(node) <= _LONGEST_STEM:
        return node
    return (
        f"{node[: _LONGEST_STEM - 9]}-{hashlib.blake2b(node.encode(), digest_size=4).hexdigest()}"
    )


class OutputDirectory:
    """A directory being filled; the files get their names when the ``with`` block ends well."""

    def __init__(self, path: Path) -> None:
        """Plan for the directory; it is made, with its parents, when the first file comes."""
        self._path = path
        self._aside: Path | None = None

    def __enter__(self) -> Self:
        """Start with no files."""
        return self

    def write(self, name: str, text: str) -> None:
        """Write a file aside, its contents on disk; NodeError if the system refuses."""
        if os.sep in name or name.startswith("."):
            raise InputError([error(f"'{name}' cannot be the name of a file")])
        final = self._path / name
        try:
            if final.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            with (self._made_aside() / name).open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except (OSError, ValueError) as refusal:
            raise _refused(final, refusal) from refusal

    def prepare(self) -> None:
        """Make the directory, so that processes forked from now on may write into it too."""
        try:
            self._made_aside()
        except OSError as refusal:
            raise _refused(self._path, refusal) from refusal

    def _made_aside(self) -> Path:
        if self._aside is None:
            self._path.mkdir(parents=True, exist_ok=True)
            self._aside = Path(mkdtemp(prefix=".cnpc-", dir=self._path))
        return self._aside

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the files their names, or take all of them away after a failure."""
        if self._aside is None:
            return
        try:
            if kind is None:
                self._publish(self._aside)
        finally:
            shutil.rmtree(self._aside, ignore_errors=True)

    def _publish(self, aside: Path) -> None:
        for file in sorted(aside.iterdir()):
            try:
                file.replace(self._path / file.name)
            except OSError as refusal:
                raise _refused(self._path / file.name, refusal) from refusal
        directory = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


class StandardOutput:
    """Takes the one text there is, where no directory was asked for."""

    def write(self, _name: str, text: str) -> None:
        """Print the text, as far as anybody reads it; NodeError if the system refuses."""
        try:
            click.echo(text, nl=False)
        except BrokenPipeError:
            abandon_standard_output()
        except (OSError, UnicodeError) as refusal:
            abandon_standard_output()
            raise _refused(Path("<stdout>"), refusal) from refusal


def _refused(path: Path, refusal: OSError | ValueError) -> NodeError:
    reason = refusal.strerror if isinstance(refusal, OSError) else None
    return NodeError(f"cannot write {path}: {reason or refusal}")
