"""Where texts go: standard output, or files that appear whole or not at all.

All files are written aside before the first gets its name.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from ..errors import InputError, NodeError, error


class OutputDirectory:
    """A directory being filled; the files get their names when the ``with`` block ends well."""

    def __init__(self, path: Path) -> None:
        """Plan for the directory; it is made, with its parents, when the first file comes."""
        self._path = path
        self._pending: list[tuple[Path, Path]] = []

    def __enter__(self) -> Self:
        """Start with no files."""
        return self

    def write(self, name: str, text: str) -> None:
        """Write a file aside, its contents on disk; NodeError if the system refuses."""
        if os.sep in name or name.startswith("."):
            raise InputError([error(f"'{name}' cannot be the name of a file")])
        final = self._path / name
        aside = self._path / f".{name}.{os.getpid()}.tmp"
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._pending.append((aside, final))
            with aside.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as refusal:
            raise _refused(final, refusal) from refusal

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the files their names, or take all of them away after a failure."""
        try:
            if kind is None:
                self._publish()
        finally:
            for aside, _ in self._pending:
                with contextlib.suppress(OSError):
                    aside.unlink(missing_ok=True)

    def _publish(self) -> None:
        for aside, final in self._pending:
            try:
                aside.replace(final)
            except OSError as refusal:
                raise _refused(final, refusal) from refusal


class StandardOutput:
    """Takes the one text there is, where no directory was asked for."""

    def write(self, _name: str, text: str) -> None:
        """Print the text; NodeError if the system refuses, BrokenPipeError if nobody reads on."""
        try:
            click.echo(text, nl=False)
        except BrokenPipeError:
            raise
        except OSError as refusal:
            abandon_standard_output()
            raise _refused(Path("<stdout>"), refusal) from refusal


def abandon_standard_output() -> None:
    """Keep Python from complaining again when it flushes standard output at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refused(path: Path, refusal: OSError) -> NodeError:
    return NodeError(f"cannot write {path}: {refusal.strerror or refusal}")
