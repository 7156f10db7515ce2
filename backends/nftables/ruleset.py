"""The emitted nftables text, read back as objects: the inverse of templates/nftables.j2.

Only the layout is read. Elements and rules stay text until somebody asks for them, so that a
ruleset of 150,000 elements is taken apart in a few milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ...compiler.errors import InputError, Span, error
from ...compiler.net import Family, contains, parse_address, parse_interval
from ..text_slice import TextSlice
from .names import TABLE

_OPEN = f"\ntable {TABLE} {{\n"
_PREAMBLE = (f"table {TABLE}", f"delete table {TABLE}")
_END = "\n\t}\n"
_ELEMENTS = "\n\t\telements = {\n\t\t\t"
_CLOSE = "\n\t\t}"
_BETWEEN = "\n\t\t\t"
_FIRST_LINE = re.compile(r"\n?\t(set|map|chain) ([A-Za-z0-9_]+) \{(?:\n|$)")
_HOOK = re.compile(r"\t\ttype filter hook [a-z]+ priority [^;\n]+; policy accept;(?:\n|$)")
_POLICY_RULE = re.compile(
    r'^(\t\t(?:[^"\n]* )?)'
    r'((?:accept|drop|return|reject with [a-z -]+|(?:jump|goto) \w+) comment ")',
    re.MULTILINE,
)
_NO_RULE = ("", "\t", "}")
_OF_IPV4, _OF_IPV6 = "\t\ttype ipv4_addr", "\t\ttype ipv6_addr"
_FIRST_WORD = re.compile(r"\t*([0-9a-f:.]+)")
_WINDOW = 1024
"""Characters that are searched as they are, where halving further costs more."""
_SIZE = re.compile(r"^\t\tsize ([0-9]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NftSet:
    """A set or a map: what it is, and its elements as a part of the ruleset's text."""

    kind: str
    name: str
    head: str
    """The lines of its type, size, flags and comment."""
    part: TextSlice

    @property
    def elements(self) -> str:
        """Its elements as one text."""
        return str(self.part)

    @property
    def size(self) -> int | None:
        """The most elements that the kernel lets it have; None without a declared size."""
        found = _SIZE.search(self.head)
        return int(found[1]) if found else None

    @property
    def dynamic(self) -> bool:
        """Whether the node fills it, so that its elements are not in the text."""
        return "flags timeout" in self.head

    @property
    def exact(self) -> bool:
        """Whether its elements are single keys, and not intervals."""
        return "flags interval" not in self.head

    @property
    def single(self) -> bool:
        """Whether its elements are of one part each, which an address alone names."""
        return " . " not in self.head.partition("\n")[0]

    @property
    def family(self) -> Family:
        """The family of the addresses that its elements begin with."""
        return Family.IPV6 if self.head.startswith(_OF_IPV6) else Family.IPV4

    @property
    def note(self) -> str:
        """Its comment: in words, what its elements are."""
        return self.head.partition('\t\tcomment "')[2].removesuffix('"')

    def has(self, word: str) -> bool:
        """Tell whether an element begins with the address, or a set's interval holds it.

        Elements of sets are in its order, those of maps in that of their verdicts.
        """
        kind = _OF_IPV6 if ":" in word else _OF_IPV4
        if not self.head.startswith(kind):
            return False
        try:
            if not self.exact:
                return self.kind == "set" and self._holds(word)
            low, high = (
                self._narrowed(word) if self.kind == "set" else (self.part.start, self.part.end)
            )
        except ValueError:  # what the kernel will refuse: better to take it for the dearer case
            return True
        text = self.part.source
        place = text.find(word, low, high)
        while place >= 0 and not self._is_word(place, place + len(word)):
            place = text.find(word, place + 1, high)
        return place >= 0

    def _holds(self, word: str) -> bool:
        low, high = self._narrowed(word)
        elements = split_elements(self.part.source[low:high].strip("\t\n,"))
        return contains([parse_interval(item) for item in elements], parse_address(word)[1])

    def _narrowed(self, word: str) -> tuple[int, int]:
        """Return between which characters the address is, if it is there, by halving."""
        address = parse_address(word)
        text, low, high = self.part.source, self.part.start, self.part.end
        while high - low > _WINDOW:
            start = text.rfind("\n", low, (low + high) // 2) + 1
            if start <= low:
                break
            found = _FIRST_WORD.match(text, start)
            if found and parse_address(found[1]) <= address:
                low = start
            else:
                high = start
        return low, high

    def _is_word(self, start: int, end: int) -> bool:
        """Tell whether an element begins there, and its first word ends there."""
        text, first, last = self.part.source, self.part.start, self.part.end
        return (start == first or text[start - 1] == "\t") and (end == last or text[end] in ", ")

    def holding(self, elements: str) -> NftSet:
        """Return it with other elements."""
        return replace(self, part=TextSlice.whole(elements))

    def resized(self, size: int) -> NftSet:
        """Return it with another declared size."""
        return replace(self, head=_SIZE.sub(f"\t\tsize {size}", self.head))

    def lines(self) -> list[str]:
        """Return its elements, each as nft writes it."""
        return split_elements(self.elements)

    def __len__(self) -> int:
        part = self.part
        return part.source.count(",", part.start, part.end) + 1 if len(part) else 0

    def text(self, name: str = "", *, filled: bool = True) -> str:
        """Return its block within a table, under another name if one is given."""
        elements = f"{_ELEMENTS}{self.elements}{_CLOSE}" if filled and len(self.part) else ""
        return f"\t{self.kind} {name or self.name} {{\n{self.head}{elements}{_END}"


@dataclass(frozen=True, slots=True)
class NftChain:
    """A chain: the line of its hook, if it has one, and its rules."""

    name: str
    hook: str
    rules: tuple[str, ...]

    def text(self) -> str:
        """Return its block within a table."""
        body = "".join(f"\n\t\t{line}" for line in (self.hook, *self.rules) if line)
        return f"\tchain {self.name} {{{body}{_END}"


@dataclass(frozen=True, slots=True)
class NftRuleset:
    """A whole ruleset: the lines of its leading comment, its sets and maps, its chains."""

    header: tuple[str, ...]
    sets: Mapping[str, NftSet]
    chains: Mapping[str, NftChain]


EMPTY = NftRuleset((), {}, {})


def block(items: Iterable[str], table: str = TABLE) -> str:
    """Return a table that holds the blocks."""
    return f"table {table} {{\n{''.join(items)}}}\n"


def split_elements(text: str) -> list[str]:
    """Return the elements of a text that has one a line."""
    return [line.removesuffix(",") for line in text.split(_BETWEEN)] if text else []


def with_counters(text: str) -> str:
    """Return the ruleset with a counter in each rule that stands for a policy's: +9 ns a match."""
    return _POLICY_RULE.sub(r"\1counter \2", text)


def read_ruleset(text: str, name: str = "<ruleset>") -> NftRuleset:
    """Return the objects of a ruleset; InputError tells where it is not as compile writes it."""
    return _Reader(text, name).layout()


class _Reader:
    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name

    def layout(self) -> NftRuleset:
        # Of large texts no part is copied.
        start = self._text.find(_OPEN)
        header = self._header(self._text if start < 0 else self._text[:start])
        if start < 0:
            raise self._wrong(len(self._text), f"no 'table {TABLE} {{' here")
        if not self._text.endswith(f"{_END}}}\n"):
            raise self._wrong(len(self._text), "the file ends before its table does")
        tables: dict[str, NftSet] = {}
        chains: dict[str, NftChain] = {}
        place = start + len(_OPEN)
        while place < len(self._text) - len("}\n"):
            brace = self._text.index("}", place)
            end = self._end(brace)
            item = self._item(place, brace, end)
            known = item.name in (chains if isinstance(item, NftChain) else tables)
            if known:
                raise self._wrong(place, f"'{item.name}' is here twice")
            if isinstance(item, NftChain):
                chains[item.name] = item
            else:
                tables[item.name] = item
            place = end + len(_END)
        return NftRuleset(header, tables, chains)

    def _end(self, brace: int) -> int:
        """Return where the block ends that has this brace: few to look at, however long it is."""
        while self._text[brace - 2 : brace + 2] != _END:
            brace = self._text.index("}", brace + 1)
        return brace - 2

    def _header(self, head: str) -> tuple[str, ...]:
        lines = head.split("\n")
        comments = [line for line in lines if line.startswith("#")]
        statements = tuple(line for line in lines if line and not line.startswith("#"))
        if statements != _PREAMBLE:
            raise self._wrong(0, "this is not a ruleset of cnpc compile")
        first = lines.index("") if "" in lines else len(lines)
        return tuple(line.removeprefix("#").removeprefix(" ") for line in comments[:first])

    def _item(self, place: int, brace: int, end: int) -> NftSet | NftChain:
        """Return the block that begins at ``place``, whose first closing brace is given."""
        text = self._text
        found = _FIRST_LINE.match(text, place, end)
        if found is None:
            raise self._wrong(place, "no set, map or chain begins here")
        kind, name = found.groups()
        if kind == "chain":
            return self._chain(name, text[found.end() : end], place)
        middle = text.find(_ELEMENTS, found.end(), end)
        filled = middle >= 0
        head = text[found.end() : middle if filled else end]
        # Of braces, there is the one behind the elements and the one that ends the block.
        last = end - 1 if filled else end + 2
        if not head.startswith("\t\ttype ") or brace != last:
            raise self._wrong(place, f"the {kind} '{name}' is not as compile writes it")
        part = (
            TextSlice(text, middle + len(_ELEMENTS), end - len(_CLOSE))
            if filled
            else TextSlice("", 0, 0)
        )
        return NftSet(kind, name, head, part)

    def _chain(self, name: str, rest: str, place: int) -> NftChain:
        hook = ""
        if found := _HOOK.match(rest):
            hook, rest = found[0].strip(), rest[found.end() :]
        lines = f"\n{rest}".split("\n\t\t")[1:] if rest else []
        indented = len(lines) == rest.count("\n") + 1 if rest else True
        if not indented or any(line[:1] in _NO_RULE for line in lines):
            raise self._wrong(place, f"a rule of chain '{name}' is not as compile writes it")
        return NftChain(name, hook, tuple(lines))

    def _wrong(self, place: int, message: str) -> InputError:
        line = self._text.count("\n", 0, place) + 1
        hint = "the file was cut or changed; compile it again"
        return InputError([error(message, Span(self._name, line, 1), hint)])
