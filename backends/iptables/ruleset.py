"""The emitted iptables texts, read back as objects: the inverse of templates/ip{set,tables}.j2.

Rules and entries stay text. Whatever is cut off, or is not where compile writes it, is an error:
what is loaded is made of these objects, and is to mean what the files meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from ...compiler.errors import InputError, Span, error
from ...compiler.ir.match import Hook
from .ipset import tag_of
from .names import FAMILIES, HOOKS, OWN, SUFFIXES
from .tables import DROPPING, EARLIER, REJECTING, rules_in, tables_for

HOOK_CHAIN = dict(zip((Hook.FORWARD, Hook.INPUT), HOOKS, strict=True))
"""The host's chains that jump to ours."""

_SET = re.compile(
    r"# (?P<name>cnpc-\S+): (?P<note>[^\n]*)\n"
    r"create (?P<first>cnpc-\S+) (?P<parameters>[^\n]*) -exist\n"
)
_DECLARED = re.compile(r":(CNPC-\S+) - \[0:0\]")
_REMOVED = re.compile(r"-X (CNPC-\S+)")
_APPENDED = re.compile(r"-A (CNPC-\S+) .+")
_LED_TO = re.compile(r" -[gj] (CNPC-\S+)$")
_USED = re.compile(r"--match-set (\S+) ")
_HINT = "the file was cut or changed; compile it again"


def jump(hook: str) -> str:
    """Return the rule that leads from a chain of the host to ours, without where it stands."""
    return f"{hook} -j {OWN}{hook}"


_JUMPS = [f"-I {hook} 1 -j {OWN}{hook}" for hook in HOOKS]
_AGAIN = list(
    chain.from_iterable(
        [f"-D {jump(hook)}"] * 2 + [placed] for hook, placed in zip(HOOKS, _JUMPS, strict=True)
    )
)
"""What puts the jumps in place in a text of its own; here that is done by what is there."""

_OF_ADDRESSES = re.compile(r" (?:-s|-d|--match-set|--src-range|--dst-range) ")


class SetText(Struct, frozen=True):
    """A set: its name and note, the arguments that create it, and the lines that load it."""

    name: str
    note: str
    parameters: str
    text: str

    @property
    def dynamic(self) -> bool:
        """Whether the node fills it, so that its entries are not in the text."""
        return " timeout " in f"{self.parameters} "

    def exchanged(self) -> str:
        """Return the lines that load it where a set of its name is there, of whatever type.

        To create it once more would be refused if somebody had made it otherwise.
        """
        again = f"create {self.name} {self.parameters} -exist\n"
        return self.text.replace(f"{again}swap ", "swap ")

    def entries(self) -> list[str]:
        """Return its entries, as ipset takes them."""
        words = (line.split(" ") for line in self.text.split("\n") if line.startswith("add "))
        return [entry for _, _, entry in words]


class ChainText(Struct, frozen=True):
    """A chain: its number, what the compiler calls it, and its rules, each with its ``-A``."""

    name: str
    note: str
    rules: tuple[str, ...]


class IptablesRuleset(Struct, frozen=True):
    """A whole ruleset: the lines of its leading comment, its sets, each family's chains."""

    header: tuple[str, ...]
    sets: Mapping[str, SetText]
    families: Mapping[str, Mapping[str, ChainText]]
    tables: tuple[str, ...] = DROPPING
    """The tables that judge it, in the order in which packets come."""

    def has_addresses(self, family: str) -> bool:
        """Tell whether a family's rules are about any addresses; without pods, none are."""
        rules = (rule for item in self.families[family].values() for rule in item.rules)
        return any(map(_OF_ADDRESSES.search, rules))

    def rules(self, family: str, table: str) -> Mapping[str, tuple[str, ...]]:
        """Return the rules of each of a family's chains in a table; none where it has none."""
        chains = self.families[family].values() if table in self.tables else ()
        return {item.name: rules_in(table, item.rules) for item in chains}


EMPTY = IptablesRuleset((), {}, {family: {} for family in FAMILIES})


def read_iptables(
    texts: Mapping[str, str], names: Mapping[str, str] | None = None
) -> IptablesRuleset:
    """Return the objects of the three texts by suffix; InputError tells what is wrong where.

    ``names`` are what messages call the texts. Those that an earlier version wrote, for the table
    ``filter`` alone, are taken too; they judge in the tables where they would be written now.
    """
    readers = {
        suffix: _Reader(texts[suffix], (names or {}).get(suffix, f"<{suffix}>"))
        for suffix in SUFFIXES
    }
    sets = readers["ipset"].sets()
    blocks = {family: readers[family].blocks() for family in FAMILIES}
    families = {family: readers[family].chains(found, sets) for family, found in blocks.items()}
    header = readers["ipset"].header
    tables = {tuple(block.table for block in found) for found in blocks.values()}
    for family in FAMILIES:
        if readers[family].header != header or len(tables) > 1:
            raise readers[family].wrong(1, "this file and the .ipset are not of one compilation")
    rules = [rule for own in families.values() for item in own.values() for rule in item.rules]
    return IptablesRuleset(header, sets, families, tables_for(rules))


class _Block(Struct, frozen=True):
    """What is said of one table: its name, the line of that, and the lines up to its COMMIT."""

    table: str
    line: int
    statements: tuple[tuple[int, str], ...]


class _Reader:
    """Reads one text; all places are lines, from 1."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        head, blank, self._body = text.partition("\n\n")
        lines = head.split("\n")
        if not blank or not all(line.startswith("#") for line in lines):
            raise self.wrong(1, "this is not a ruleset of cnpc compile")
        if not text.endswith("\n"):
            raise self.wrong(self._last(), "the file ends within a line")
        self._start = len(lines) + 2
        self.header = tuple(line.removeprefix("#").removeprefix(" ") for line in lines)

    def sets(self) -> Mapping[str, SetText]:
        """Return the sets of an .ipset text by name."""
        found: dict[str, SetText] = {}
        place = self._start
        first, *blocks = self._body.removesuffix("\n").split("\n\n")
        if not first.startswith("# Loaded by ipset restore") or "\n" in first:
            raise self.wrong(place, "this is not a text for ipset")
        place += 2
        for block in blocks:
            item = self._set(block, place)
            if item.name in found:
                raise self.wrong(place, f"the set {item.name} is here twice")
            found[item.name] = item
            place += block.count("\n") + 2
        return found

    def _set(self, block: str, place: int) -> SetText:
        head = _SET.match(f"{block}\n")
        if head is None:
            raise self.wrong(place, "no set begins here")
        name, note, first, parameters = head.groups()
        text = block.partition("\n")[2]
        if first != name:
            begin = f"create {first} {parameters} -exist\nflush {first}"
            end = f"\ncreate {name} {parameters} -exist\nswap {first} {name}\ndestroy {first}"
            middle = text[len(begin) : -len(end)]
            added = middle.count(f"\nadd {first} ")
            if text != f"{begin}{middle}{end}" or added != middle.count("\n"):
                raise self.wrong(place, f"the set {name} is not as compile writes it")
            tag = tag_of(parameters + middle.replace(f"\nadd {first} ", "\n"))
            if not name.endswith(f"-{tag}"):
                raise self.wrong(place, f"the set {name} has not the entries of its name")
        elif "\n" in text:
            raise self.wrong(place, f"the set {name} is not as compile writes it")
        return SetText(name, note, parameters, f"{text}\n")

    def blocks(self) -> tuple[_Block, ...]:
        """Return what a .v4 or .v6 text says of the tables that judge it, in order.

        Behind these must stand, for each, what puts its jumps in place, and nothing else.
        """
        found = tuple(self._blocks())
        judging, jumps = found[: len(found) // 2], found[len(found) // 2 :]
        tables = tuple(block.table for block in judging)
        if tables not in {DROPPING, REJECTING, EARLIER}:
            raise self.wrong(self._start, f"no table {DROPPING[0]} begins here")
        again = [(block.table, [line for _, line in block.statements]) for block in jumps]
        if again != [(table, _AGAIN) for table in tables]:
            raise self.wrong(self._last(), "the file does not end as compile ends it")
        return judging

    def _blocks(self) -> Iterator[_Block]:
        begins: tuple[str, int] | None = None
        statements: list[tuple[int, str]] = []
        for number, line in enumerate(self._text.split("\n")[self._start - 1 :], self._start):
            if begins and line == "COMMIT":
                yield _Block(*begins, tuple(statements))
                begins, statements = None, []
            elif begins and line:
                statements.append((number, line))
            elif line.startswith("*"):
                begins = line[1:], number
            elif line and not line.startswith("#"):
                raise self.wrong(number, "this line is not within a table")
        if begins:
            raise self.wrong(self._last(), f"the file ends within the table {begins[0]}")

    def chains(
        self, blocks: Sequence[_Block], sets: Mapping[str, SetText]
    ) -> Mapping[str, ChainText]:
        """Return the chains of a .v4 or .v6 text by name."""
        chains = dict(self._chains(blocks[0]))
        for block in blocks[1:]:
            wanted = {
                name: replace(item, rules=rules_in(block.table, item.rules))
                for name, item in chains.items()
            }
            if dict(self._chains(block)) != wanted:
                message = f"the table {block.table} does not judge as {blocks[0].table} does"
                raise self.wrong(block.line, message)
        for item in chains.values():
            if blocks[0].table in DROPPING and tables_for(item.rules) != DROPPING:
                raise self.wrong(blocks[0].line, f"{blocks[0].table} is no table for REJECT")
            self._check(item, chains, sets)
        return chains

    def _chains(self, block: _Block) -> Iterator[tuple[str, ChainText]]:
        """Yield a table's chains; behind them must stand what every table ends with."""
        declared = list(self._declared(block))
        statements = block.statements[len(declared) :]
        lines = [line for _, line in statements]
        try:
            end = lines.index(_JUMPS[0])
        except ValueError:
            raise self.wrong(block.line, "the table ends before its rules do") from None
        removed = [found[1] for line in lines[end:] if (found := _REMOVED.fullmatch(line))]
        rest = [line for line in lines[end:] if not line.startswith(("-X ", "#"))]
        if rest != _JUMPS:
            raise self.wrong(statements[end][0], "the table does not end as compile ends it")
        kept = declared[: len(declared) - len(removed)]
        if declared[len(kept) :] != removed or len(set(declared)) != len(declared):
            raise self.wrong(block.line, "chains are declared twice, or not removed")
        notes = [place for place, line in enumerate(lines[:end]) if line.startswith("# ")]
        if len(notes) != len(kept) or (end and not notes[:1] == [0]):
            raise self.wrong(block.line, "the chains declared are not those with rules")
        for name, start, stop in zip(kept, notes, [*notes[1:], end], strict=True):
            for place, line in statements[start + 1 : stop]:
                found = _APPENDED.fullmatch(line)
                if found is None or found[1] != name:
                    raise self.wrong(place, f"this is no rule of the chain {name}")
            rules = tuple(lines[start + 1 : stop])
            yield name, ChainText(name, lines[start].removeprefix("# "), rules)

    @staticmethod
    def _declared(block: _Block) -> Iterator[str]:
        """Yield the names of the chains declared first, the stock that is left included."""
        for _, line in block.statements:
            if not (found := _DECLARED.fullmatch(line)):
                return
            yield found[1]

    def _check(
        self, item: ChainText, chains: Mapping[str, ChainText], sets: Mapping[str, SetText]
    ) -> None:
        for rule in item.rules:
            if (target := _LED_TO.search(rule)) and target[1] not in chains:
                raise self._of_rule(rule, f"there is no chain {target[1]}")
            for name in _USED.findall(rule):
                if name not in sets:
                    raise self._of_rule(rule, f"the set {name} is not in the .ipset beside it")

    def _of_rule(self, rule: str, message: str) -> InputError:
        return self.wrong(self._text[: self._text.index(rule)].count("\n") + 1, message)

    def _last(self) -> int:
        return self._text.count("\n") + 1

    def wrong(self, line: int, message: str) -> InputError:
        """Return the error about a line."""
        return InputError([error(message, Span(self._name, line, 1), _HINT)])
