"""A list as kubectl prints it, cut into pieces, so that a large file never stands in memory whole.

kubectl indents what it prints (cli-runtime, JSONPrinter): between two items there are a line break
and blanks, ``},``, the same again and ``{``. The file is cut there without a look at what lies
between. If every piece then is a JSON list, the cuts are right: the pieces with commas between them
are the file again, and JSON has only one reading. If not, the file must be read as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Literal

import msgspec

_HEAD = re.compile(rb'\{\s*"apiVersion": "v1",\s*"items": \[(\n[ \t]+)(?=\{)')
_TAIL = re.compile(rb"\s*\],")
_SIZE = 1 << 16  # fits into a processor's cache; larger and much smaller pieces take longer
_MAX_ITEM = 1 << 24


class NotAsPrinted(Exception):  # noqa: N818 - says how a file is to be read, not that it is wrong
    """A file began as kubectl prints a list, and did not go on so."""


class _Tail(msgspec.Struct, forbid_unknown_fields=True):
    """What follows the items."""

    kind: Literal["List"]
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_TAILS = msgspec.json.Decoder(_Tail)


def cut(file: BinaryIO) -> Iterator[bytes] | None:
    """Return the items in pieces, each a list in JSON; None if the file begins otherwise.

    Raises NotAsPrinted where the file goes on otherwise. Whether the pieces are JSON is for the
    caller to find out.
    """
    try:
        head = file.read(_SIZE)
    except OSError:
        return None
    match = _HEAD.match(head)
    return None if match is None else _pieces(file, head[match.end() :], match[1])


def decode_items(piece: bytes) -> list[msgspec.Raw]:
    """Return the items of a piece; NotAsPrinted if it is no list in JSON."""
    try:
        return _RAWS.decode(piece)
    except (msgspec.DecodeError, RecursionError):
        raise NotAsPrinted from None


def _pieces(file: BinaryIO, rest: bytes, indent: bytes) -> Iterator[bytes]:
    end = indent + b"}"
    between = end + b"," + indent + b"{"
    while chunk := _read(file):
        last = chunk.rfind(between)
        if last >= 0:
            last += len(end)
            yield _list(rest, memoryview(chunk)[:last])
            rest = chunk[last + 1 :]
        elif len(rest) > _MAX_ITEM:
            raise NotAsPrinted
        else:
            rest += chunk
    last = rest.rfind(end) + len(end)
    _check_tail(rest[last:])
    yield _list(rest[:last])


def _read(file: BinaryIO) -> bytes:
    try:
        return file.read(_SIZE)
    except OSError:
        raise NotAsPrinted from None


def _list(*parts: bytes | memoryview) -> bytes:
    items = b"".join((b"[", *parts, b"]"))
    if not items.isascii():
        try:
            items.decode()
        except UnicodeDecodeError:
            raise NotAsPrinted from None
    return items


def _check_tail(text: bytes) -> None:
    match = _TAIL.match(text)
    try:
        _TAILS.decode(b"{" + text[match.end() :] if match else b"")
    except (msgspec.DecodeError, RecursionError):
        raise NotAsPrinted from None
