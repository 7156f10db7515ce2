"""The intermediate representation: ordered chains of match and verdict, for one node.

It is what packet filters have in common: sets of keys, maps from keys to verdicts, chains of rules,
and two hooks of the IP stack. Everything is frozen and hashable, so that passes share what is
equal. Structs, because the programs of 1,000 nodes are a million of them: a frozen dataclass takes
ten times as long to make, and five times as long to hash and to compare. Frozen as they are, they
are in no cycle for the collector to find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter

from msgspec import Struct
from msgspec.structs import replace

from ..net import Family, Symbol
from .match import Field, Hook, Key, KeyType, Match, Origin


class Terminal(Symbol):
    """Verdicts that name no chain.

    ACCEPT and DROP end the judgement, RETURN goes on behind the last jump (from a base chain: it
    accepts). The rejects drop and tell the sender (RFC 9293 reset; RFC 1812 and RFC 4443
    administratively prohibited).
    """

    ACCEPT = "accept"
    DROP = "drop"
    RETURN = "return"
    REJECT_RESET = "reject-reset"
    REJECT_PROHIBITED = "reject-prohibited"


REJECTS = (Terminal.REJECT_RESET, Terminal.REJECT_PROHIBITED)
"""The verdicts of rules alone: no map gives them (nft(8), VERDICT STATEMENTS)."""


class Jump(Struct, frozen=True, gc=False):
    """Go to a chain and come back behind this rule."""

    chain: str


class Goto(Struct, frozen=True, gc=False):
    """Go to a chain and come back to where the last jump came from."""

    chain: str


Verdict = Terminal | Jump | Goto


class Lookup(Struct, frozen=True, gc=False):
    """The verdict that the map gives for the fields; without an element the next rule follows."""

    fields: tuple[Field, ...]
    map: str


class Rule(Struct, frozen=True, gc=False):
    """All matches hold: the verdict. ``origins`` are the policy rules it stands for."""

    matches: tuple[Match, ...]
    verdict: Verdict | Lookup
    origins: tuple[Origin, ...] = ()


class Set(Struct, frozen=True, gc=False):
    """Named keys, disjoint and in order; ``note`` says in words what they are.

    A dynamic set is filled on the node, so that its emptiness here says nothing.
    """

    name: str
    family: Family
    key: tuple[KeyType, ...]
    elements: tuple[Key, ...]
    note: str = ""
    dynamic: bool = False

    def __hash__(self) -> int:
        """Return a hash of the name and one element: passes remember what they made of large sets.

        The name alone is the same for what each node calls its own endpoints, and to compare with
        those of all nodes takes longer the more there are.
        """
        return hash((self.name, self.elements[:1]))


Keys = tuple[Key, ...]
"""Keys in order."""


class Map(Struct, frozen=True, gc=False):
    """Verdicts by key; all keys are disjoint.

    The keys stand in groups of one verdict, in the order of the verdicts' names: thus a key that
    comes or goes moves no others. A group of keys may be the elements of a set: large maps are made
    of what sets have, and text of it is made once.
    """

    name: str
    family: Family
    key: tuple[KeyType, ...]
    groups: tuple[tuple[Verdict, Keys], ...]

    def __hash__(self) -> int:
        """Return the name's hash: the backend remembers what it made of maps of many elements."""
        return hash(self.name)

    def __len__(self) -> int:
        return sum(len(keys) for _, keys in self.groups)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts that it gives, each once."""
        return tuple(dict.fromkeys(verdict for verdict, _ in self.groups))

    @property
    def elements(self) -> tuple[tuple[Key, Verdict], ...]:
        """All keys in order, each with its verdict; made anew at each use."""
        found = [(key, verdict) for verdict, keys in self.groups for key in keys]
        return tuple(sorted(found, key=_key_of))

    def with_verdicts(self, verdict_of: Callable[[Verdict], Verdict]) -> Map:
        """Return the map with other verdicts for the same keys; itself where none differs."""
        groups = tuple((verdict_of(verdict), keys) for verdict, keys in self.groups)
        return self if groups == self.groups else replace(self, groups=in_order(groups))


def map_of(
    name: str,
    family: Family,
    key: tuple[KeyType, ...],
    elements: Iterable[tuple[Key, Verdict]],
) -> Map:
    """Return the map of these elements, in one group for each verdict."""
    groups: dict[Verdict, list[Key]] = {}
    for item, verdict in sorted(elements, key=_key_of):
        groups.setdefault(verdict, []).append(item)
    found = ((verdict, tuple(keys)) for verdict, keys in groups.items())
    return Map(name, family, key, in_order(found))


def in_order(groups: Iterable[tuple[Verdict, Keys]]) -> tuple[tuple[Verdict, Keys], ...]:
    """Return the groups of a map's keys in their order; those of one verdict by their first key."""
    return tuple(sorted(groups, key=_place_of))


def _place_of(group: tuple[Verdict, Keys]) -> tuple[str, str, Key]:
    verdict, keys = group
    name = verdict.name if isinstance(verdict, Terminal) else verdict.chain
    return type(verdict).__name__, name, keys[0]


_key_of = itemgetter(0)


class Chain(Struct, frozen=True, gc=False):
    """Rules in order; without a verdict at its end it returns. With a hook it is a base chain."""

    name: str
    rules: tuple[Rule, ...]
    hook: Hook | None = None

    def __hash__(self) -> int:
        """Return the name's hash: passes remember what they made of chains of many rules."""
        return hash(self.name)

    def with_rules(self, rules: tuple[Rule, ...]) -> Chain:
        """Return the chain with other rules; itself where none differs, so that it stays shared."""
        return self if rules == self.rules else replace(self, rules=rules)

    def keep_if_equal(self, made: Chain) -> Chain:
        """Return what was made of the chain, as the same object; itself where that is equal."""
        return self if made == self else made


class Program(Struct, frozen=True, gc=False):
    """All that judges the packets of one node, each tuple in the order of names."""

    node: str
    sets: tuple[Set, ...]
    maps: tuple[Map, ...]
    chains: tuple[Chain, ...]

    def sets_by_name(self) -> Mapping[str, Set]:
        """Return the sets by their names."""
        return {item.name: item for item in self.sets}

    def maps_by_name(self) -> Mapping[str, Map]:
        """Return the maps by their names."""
        return {item.name: item for item in self.maps}

    def chains_by_name(self) -> Mapping[str, Chain]:
        """Return the chains by their names."""
        return {item.name: item for item in self.chains}

    def with_objects(self, chains: Iterable[Chain], maps: Iterable[Map] = ()) -> Program:
        """Return the program with these too, in the place of what has the same names."""
        all_chains = {**self.chains_by_name(), **{item.name: item for item in chains}}
        all_maps = {**self.maps_by_name(), **{item.name: item for item in maps}}
        return replace(
            self,
            chains=tuple(all_chains[name] for name in sorted(all_chains)),
            maps=tuple(all_maps[name] for name in sorted(all_maps)),
        )
