"""JSON text to raw values: msgspec finds their ends without decoding what they hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder

import msgspec

from ...errors import Place, Source, Span
from ..problems import Problems, quote
from .yaml_scalars import MAX_EXACT

_BOM = b"\xef\xbb\xbf"
_LOOKS = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*"|\{\s*\}|\[)')
_MAX_DIGITS = 400
_DEEP = 100  # levels, as many as YAML may have; Python reads some more
_NESTING = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
_PLAIN = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()
_SPACE = re.compile(r"[ \t\n\r]*(?:\ufeff[ \t\n\r]*)?")


class _Repeating(dict[str, object]):
    """A mapping that had keys more than once."""

    repeated: tuple[str, ...] = ()


def is_json(name: str, data: bytes) -> bool:
    """Tell whether a file is read as JSON: by its suffix, or by how it begins."""
    return name.removesuffix(".gz").endswith(".json") or _LOOKS.match(data) is not None


def read_json(data: bytes, source: Source, problems: Problems) -> Iterator[msgspec.Raw]:
    """Return the documents, one after the other in the file; report what is not JSON."""
    data = data.removeprefix(_BOM)
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as problem:
            before = data[: problem.start].decode()
            where = span_at(before, len(before), source)
            problems.error(f"not UTF-8 text: {problem.reason}", where)
            return
    try:
        yield msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        yield from _read_several(data, source, problems)


def _read_several(data: bytes, source: Source, problems: Problems) -> Iterator[msgspec.Raw]:
    text = data.decode()
    position = skip_space(text, 0)
    while position < len(text):
        try:
            end = raw_value(text, position)[1]
        except JSONDecodeError as problem:
            problems.error(f"not JSON: {problem.msg}", span_at(text, problem.pos, source))
            return
        except RecursionError:
            report_depth(text, source, problems)
            return
        yield msgspec.Raw(text[position:end].encode())
        position = skip_space(text, end)


def raw_value(text: str, position: int) -> tuple[object, int]:
    """Return the value that begins at the position, and its end; JSONDecodeError if none does.

    In place of a mapping it returns its length.
    """
    return _DECODER.raw_decode(text, position)


def skip_space(text: str, position: int) -> int:
    """Return the first position from this one on that is not blank."""
    match = _SPACE.match(text, position)
    return match.end() if match else position


def span_at(text: str, position: int, source: Source) -> Span:
    """Return the line and column of a position."""
    start = text.rfind("\n", 0, position) + 1
    return Span(source.name, text.count("\n", 0, position) + 1, position - start + 1)


def report_depth(text: str, source: Source, problems: Problems) -> None:
    """Report JSON that is nested more deeply than it can be read, where it is very deep."""
    depth = 0
    for match in _NESTING.finditer(text):
        depth += _STEPS.get(match[0], 0)
        if depth > _DEEP:
            problems.error("nested too deeply", span_at(text, match.start(), source))
            return
    problems.error("nested too deeply", Span(source.name, 0, 0))


def repeats_no_key(raw: msgspec.Raw | bytes) -> bool:
    """Tell, quickly, whether no key comes twice in any mapping; when in doubt, deny it.

    What comes twice is dropped, so that what is written again has fewer quotes. Only an escape by
    number could make up for them.
    """
    text = bytes(raw)
    try:
        again = _ENCODER.encode(_PLAIN.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return text.count(b'"') == again.count(b'"') and b"\\u" not in text


def decode_plain(raw: bytes, place: Place, problems: Problems) -> object:
    """Return the value as plain dicts and lists, after a report of keys that come twice."""
    repeated: list[str] = []

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        result = dict(pairs)
        if len(result) == len(pairs):
            return result
        marked = _Repeating(result)
        names = [name for name, _ in pairs]
        marked.repeated = tuple(name for name in result if names.count(name) > 1)
        repeated.extend(marked.repeated)
        return marked

    value: object = json.loads(
        raw, object_pairs_hook=unique, parse_int=_integer, parse_float=_float
    )
    if repeated:
        _report_repeated(value, place, problems)
    return value


def _report_repeated(value: object, place: Place, problems: Problems) -> None:
    if isinstance(value, _Repeating):
        for name in value.repeated:
            problems.error(f"the key {quote(name)} is in the mapping twice", place.key(name))
    if isinstance(value, dict):
        for name, item in value.items():
            _report_repeated(item, place.child(name), problems)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _report_repeated(item, place.child(index), problems)


def _integer(digits: str) -> float:
    """Return the number, without a care for precision where it has hundreds of digits."""
    return int(digits) if len(digits) < _MAX_DIGITS else float(digits)


def _float(digits: str) -> float:
    """Return the number, an integer if it is whole: to JSON ``8.0`` and ``8`` are one."""
    number = float(digits)
    return int(number) if number.is_integer() and abs(number) <= MAX_EXACT else number


def _refuse(constant: str) -> object:
    raise JSONDecodeError(f"{constant} is no JSON number", constant, 0)


_DECODER = JSONDecoder(
    parse_constant=_refuse,
    object_pairs_hook=len,  # only the ends of mappings are asked for: keep nothing of them
)
