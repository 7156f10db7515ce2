"""From paths to bytes: files, folders, standard input, what gzip has packed."""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from ...errors import Source

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"
_GZIP = ".gz"
_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1; neither YAML nor JSON may begin so
_MAX_UNPACKED = 2 << 30
_ENCODINGS = tuple(
    (re.compile(pattern, re.DOTALL), name)
    for pattern, name in (
        (rb"\x00\x00(?:\xfe\xff|\x00[^\x00])", "utf-32-be"),
        (rb"\xff\xfe\x00\x00|[^\x00]\x00\x00\x00", "utf-32-le"),
        (rb"\xfe\xff|\x00[^\x00]", "utf-16-be"),
        (rb"\xff\xfe|[^\x00]\x00[^\x00]", "utf-16-le"),
    )
)


class SourceError(Exception):
    """A path that cannot be read; the text says why, ``hint`` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep the message and the hint."""
        super().__init__(message)
        self.hint = hint


def expand(path: str) -> Sequence[str]:
    """Return the files that a path stands for: itself, or a folder's manifests in order.

    Raises SourceError for a folder without any and for what is not there.
    """
    if path == STDIN:
        return (STDIN,)
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as problem:
        raise SourceError(_reason(problem), _instead(path)) from None
    if not stat.S_ISDIR(mode):
        return (path,)
    found = tuple(_walk(path))
    if not found:
        raise SourceError(
            "no manifests below this folder", f"files that end in {', '.join(SUFFIXES)} (.gz) count"
        )
    return found


def _instead(path: str) -> str:
    """Return what to do where a path is not there, if its name tells."""
    if "://" in path:
        return f"files are read, not addresses: curl -fsSL {path} | cnpc compile -"
    return "no file has such a name: nothing matched the '*'" if "*" in path else ""


def _walk(folder: str) -> Iterator[str]:
    problems: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=problems.append, followlinks=False):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(parent, name)  # noqa: PTH118 - Path would drop a leading "./"
            if name.removesuffix(_GZIP).endswith(SUFFIXES) and _is_regular(path):
                yield path
    if problems:
        raise SourceError(f"{problems[0].filename}: {_reason(problems[0])}")


def _is_regular(path: str) -> bool:
    """Tell whether it is a file, or a link that leads nowhere, which reading will report."""
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        return True


def open_source(
    path: str, stdin: BinaryIO | None, most: int = _MAX_UNPACKED
) -> tuple[Source, bytes]:
    """Return the source and its bytes, unpacked; raises SourceError.

    ``most`` is how many bytes gzip may unpack to. What is not a regular file (standard input, a
    pipe) cannot be read again: the source keeps it.
    """
    try:
        if path == STDIN:
            data = _unpack(path, (stdin or sys.stdin.buffer).read(), most)
            return Source("<stdin>", data), data
        data = Path(path).read_bytes()
        again = stat.S_ISREG(Path(path).stat().st_mode)
    except (OSError, ValueError) as problem:
        raise SourceError(_reason(problem)) from None
    data = _unpack(path, data, most)
    return Source(path, None if again else data), data


class Opener:
    """Opens sources, each of those that can be read only once no more than once."""

    def __init__(self, stdin: BinaryIO | None) -> None:
        """Start with nothing read; ``stdin`` is what ``-`` stands for, if not standard input."""
        self._stdin = stdin
        self._kept: dict[str, tuple[Source, bytes]] = {}

    def open(self, path: str) -> tuple[Source, bytes]:
        """Return the source and its bytes, unpacked; raises SourceError."""
        found = self._kept.get(path) or open_source(path, self._stdin)
        if found[0].data is not None:
            self._kept[path] = found
        return found


def open_plain(path: str) -> BinaryIO | None:
    """Return an open file that can be read again and is what it holds; None for any other."""
    if path == STDIN or path.endswith(_GZIP):
        return None
    try:
        if stat.S_ISREG(Path(path).stat().st_mode):
            return Path(path).open("rb", buffering=0)
    except (OSError, ValueError):
        pass  # whoever reads it whole will report it
    return None


def read_again(source: Source) -> bytes:
    """Return the bytes of a source that was read before; raises SourceError."""
    if source.data is not None:
        return source.data
    return open_source(source.name, None)[1]


def _unpack(path: str, data: bytes, most: int) -> bytes:
    """Return what gzip has packed, and UTF-16 or UTF-32 as UTF-8."""
    if path.endswith(_GZIP) or data.startswith(_MAGIC):
        data = _gunzip(data, most)
    encoding = _encoding(data)
    if encoding is None:
        return data
    try:
        return data.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeError as problem:
        raise SourceError(f"not {encoding.upper()}: {problem}", "save the file as UTF-8") from None


def _encoding(data: bytes) -> str | None:
    """Return the encoding that the first bytes show (YAML 1.2, section 5.2), unless it is UTF-8."""
    return next((name for start, name in _ENCODINGS if start.match(data)), None)


def _gunzip(data: bytes, most: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked = packed.read(most + 1)
    except (OSError, EOFError, zlib.error) as problem:
        raise SourceError(f"not a whole gzip file: {problem}") from None
    if len(unpacked) > most:
        raise SourceError(f"unpacks to more than {most >> 20} MiB")
    return unpacked


def _reason(problem: OSError | ValueError) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        return f"cannot read: {problem.strerror}"
    return f"cannot read: {problem}"
