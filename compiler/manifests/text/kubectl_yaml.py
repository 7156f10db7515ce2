"""YAML as kubectl prints it, rewritten as JSON line by line, ten times as fast as libyaml reads.

Known are block mappings and lists, scalars of one line and literal blocks, all in ASCII; any other
text is left to libyaml. Most lines of a dump repeat others: each is taken apart once for each
nesting in which it appears, and looked up from then on.
"""

from __future__ import annotations

import re

import msgspec

from .yaml_scalars import resolve

_DOUBLE = rb'"[ !#-\[\]-~]*(?:\\["\\bfnrt][ !#-\[\]-~]*)*"'
_SINGLE = rb"'[ -&(-~]*(?:''[ -&(-~]*)*'"
_FIRST = rb"(?:[A-Za-z0-9_./$(\\~+]|-(?=[!-~]))"
_KEY = rb"(?:%b[!-9;-~]*(?::(?=[!-~])[!-9;-~]*)*|%b|%b)" % (_FIRST, _DOUBLE, _SINGLE)
_PLAIN = rb'%b[!-9;-~]*(?:(?::(?=[!-~])| +(?=[!"$-~]))[!-9;-~]*)*' % _FIRST
_VALUE = rb"(\{\}|\[\]|%b|%b|%b)" % (_DOUBLE, _SINGLE, _PLAIN)
_COMMENT = rb"(?: +#[ -~]*)?"
_LINE = re.compile(rb"( *)(- )?(?:(%b):(?: +%b)?|(?<=- )%b)%b" % (_KEY, _VALUE, _VALUE, _COMMENT))
_TAIL = re.compile(rb" *%b%b" % (_VALUE, _COMMENT))
_NO_CONTENT = re.compile(rb"(?: *#[ -~]*)?")
_LITERAL = re.compile(
    rb"^( *)((?:- )?%b: |- )\|(-?)\n(( +)[!-~][\t -~]*(?:\n(?:\5[\t -~]*|(?=\n)|\Z))*)" % _KEY,
    re.MULTILINE,
)
_MOST_IN_KEY = 256  # libyaml takes no key of more than 1,024 characters
_MOST_LEVELS = 50  # half as many as may be nested
_MOST_LINES = 1 << 15
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode

_Level = tuple[int, bool]
"""The column of a collection, and whether it is a list."""

_Shape = tuple[int, bool, bool, bool]
"""The column of a line, whether it begins an item, whether it has a key, and nothing but one."""

_OPEN = {False: b"{", True: b"["}
_CLOSE = {False: b"}", True: b"]"}
_ROOT = (-1, False)
_END = (-1, False, False, False)


class UnknownLayout(Exception):  # noqa: N818 - says how a text is to be read, not that it is wrong
    """A text has something that only libyaml can read."""


class KubectlYaml:
    """Reads texts, each a block collection or nothing; remembers lines, up to a limit."""

    def __init__(self) -> None:
        """Start without a line known."""
        self._states = _States()

    def read(self, text: bytes) -> bytes:
        """Return the JSON of a text that ends with a line feed, just as msgspec writes it.

        Raises UnknownLayout if libyaml must read the text: also where a key comes twice, of which
        decoding loses one, so that the values are written otherwise.
        """
        if b"|" in text:
            text = _LITERAL.sub(_in_quotes, text)
        json = self._rewrite(text)
        if _encode(_decode(json)) != json:
            raise UnknownLayout
        return json

    @property
    def known_lines(self) -> int:
        """How many lines it remembers."""
        return self._states.lines

    def _rewrite(self, text: bytes) -> bytes:
        if self.known_lines > _MOST_LINES:
            self._states = _States()
        parts: list[bytes] = []
        append = parts.append
        state = self._states.state((_ROOT,), is_open=True)
        for line in text.split(b"\n"):
            state, part = state[line]
            append(part)
        append(state.follow(_END)[1].removesuffix(b","))
        return b"".join(parts)


class _States:
    """One state for each nesting, and how many lines all of them know."""

    def __init__(self) -> None:
        self.lines = 0
        self._known: dict[tuple[tuple[_Level, ...], bool], _State] = {}

    def state(self, levels: tuple[_Level, ...], *, is_open: bool) -> _State:
        key = (levels, is_open)
        if key not in self._known:
            self._known[key] = _State(levels, self, is_open=is_open)
        return self._known[key]


class _State(dict[bytes, "tuple[_State, bytes]"]):
    """What lines add to the JSON, and the state after each.

    ``levels`` are the collections around, outermost first; where it ``is_open``, the line before
    was a key alone, whose value is below it or null.
    """

    __slots__ = ("_following", "_is_open", "_keys", "_levels", "_states")

    def __init__(self, levels: tuple[_Level, ...], states: _States, *, is_open: bool) -> None:
        super().__init__()
        self._levels = levels
        self._is_open = is_open
        self._states = states
        self._keys: dict[bytes, tuple[_State, bytes]] = {}
        self._following: dict[_Shape, tuple[_State, bytes]] = {}

    def __missing__(self, line: bytes) -> tuple[_State, bytes]:
        head, _, tail = line.partition(b": ")
        found = self._keys.get(head)
        if found is not None and (match := _TAIL.fullmatch(tail)):
            found = found[0], found[1] + _scalar(match[1])
        else:
            found = self._take_apart(line, head)
        self._states.lines += 1
        self[line] = found
        return found

    def _take_apart(self, line: bytes, head: bytes) -> tuple[_State, bytes]:
        match = _LINE.fullmatch(line)
        if match is None:
            if _NO_CONTENT.fullmatch(line):
                return self, b""
            raise UnknownLayout
        margin, dash, key, value, item = match.groups()
        has_key = key is not None
        state, lead = self.follow((len(margin), bool(dash), has_key, has_key and value is None))
        if not has_key:
            return state, lead + _scalar(item)
        lead += _name(key) + b":"
        if value is None:
            return state, lead
        if match.end(3) == len(head):
            self._keys[head] = state, lead
        return state, lead + _scalar(value)

    def follow(self, shape: _Shape) -> tuple[_State, bytes]:
        """Return the state after a line, and the JSON between it and the line before."""
        found = self._following.get(shape)
        if found is None:
            found = self._following[shape] = self._follow(shape)
        return found

    def _follow(self, shape: _Shape) -> tuple[_State, bytes]:
        column, is_item, has_key, is_open = shape
        levels, lead = list(self._levels), b""
        last = levels[-1][0]
        if self._is_open and (column > last or (column == last and is_item)):
            levels.append((column, is_item))
            lead = _OPEN[is_item]
        else:
            lead = b"null" if self._is_open else b""
            while levels[-1][0] > column or levels[-1] == (column, True) != (column, is_item):
                lead += _CLOSE[levels.pop()[1]]
            lead += b","
        if levels[-1] != (column, is_item) or len(levels) > _MOST_LEVELS:
            raise UnknownLayout
        if is_item and has_key:
            levels.append((column + 2, False))
            lead += _OPEN[False]
        return self._states.state(tuple(levels), is_open=is_open), lead


def _name(key: bytes) -> bytes:
    """Return the JSON of a key, which must be text."""
    name = _scalar(key)
    if name[:1] != b'"' or len(key) > _MOST_IN_KEY:
        raise UnknownLayout
    return name


def _scalar(text: bytes) -> bytes:
    """Return the JSON of a scalar or an empty collection."""
    if text in (b"{}", b"[]"):
        return text
    if text.startswith(b'"'):
        return _encode(_decode(text)) if b"\\" in text else text
    if text.startswith(b"'"):
        return _encode(text[1:-1].replace(b"''", b"'").decode())
    try:
        return _encode(resolve(text.decode()))
    except ValueError:
        raise UnknownLayout from None


def _in_quotes(match: re.Match[bytes]) -> bytes:
    """Return a literal block as a scalar in double quotes."""
    margin, lead, strip, text, indent = match.groups()
    if len(indent) <= len(margin) + 2 * (lead[:2] == b"- " != lead):
        raise UnknownLayout
    lines = [line.removeprefix(indent) for line in text.split(b"\n")]
    content = b"\n".join(lines).rstrip(b"\n") + (b"" if strip else b"\n")
    return margin + lead + _encode(content.decode())
