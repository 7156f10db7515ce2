"""Let equal chains be one chain, and equal sets one set.

Before:

    program "n"

    map m ipv4 address {
      10.0.0.1 : jump a
      10.0.0.2 : jump b
    }

    chain a {
      tcp 80 return
      drop
    }

    chain b {
      tcp 80 return
      drop
    }

    chain forward hook forward {
      lookup daddr in m
    }

After:

    program "n"

    map m ipv4 address {
      10.0.0.1 : jump a
      10.0.0.2 : jump a
    }

    chain a {
      tcp 80 return
      drop
    }

    chain forward hook forward {
      lookup daddr in m
    }
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from ..ir.match import Match, SetMatch
from ..ir.program import Chain, Goto, Jump, Lookup, Map, Program, Rule, Set, Verdict, map_of

_REMEMBERED = 8192


def share(program: Program) -> Program:
    """Return the program with one chain, the first by name, for all that have the same rules.

    Sets of one kind with the same elements come first. Chains that go to what has become one can be
    equal in their turn, so it goes on until none is.
    """
    current = _share_sets(program)
    while renamed := _equal_chains(current):
        current = replace(
            current,
            maps=tuple(_rename_map(item, renamed) for item in current.maps),
            chains=tuple(
                _rename_chain(chain, renamed)
                for chain in current.chains
                if chain.name not in renamed
            ),
        )
    return current


def _share_sets(program: Program) -> Program:
    alike: dict[Hashable, list[Set]] = {}
    for item in program.sets:
        if not item.dynamic:
            alike.setdefault((len(item.elements), item.elements[:1]), []).append(item)
    renamed: dict[str, str] = {}
    for items in alike.values():
        if len(items) > 1:
            renamed |= _equal_sets(items)
    if not renamed:
        return program
    return replace(
        program,
        sets=tuple(item for item in program.sets if item.name not in renamed),
        chains=tuple(_rename_sets(chain, renamed) for chain in program.chains),
    )


def _equal_sets(sets: Iterable[Set]) -> Mapping[str, str]:
    """Return, for each set that repeats an earlier one, the earlier one's name."""
    first: dict[Hashable, str] = {}
    found = {item.name: first.setdefault(_content(item), item.name) for item in sets}
    return {name: earlier for name, earlier in found.items() if name != earlier}


@lru_cache(_REMEMBERED)
def _content(item: Set) -> Hashable:
    """Return what is equal for sets of the same elements, and quick to compare."""
    return _Content(hash((_kind(item), item.elements)), item)


class _Content(Struct, frozen=True, eq=False):
    hash: int
    item: Set

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Content):
            return NotImplemented
        mine, its = self.item, other.item
        return _kind(mine) == _kind(its) and mine.elements == its.elements


def _kind(item: Set) -> Hashable:
    """Return what a set is of, such as pods4: what is of two kinds is not equal for long."""
    return item.name.partition("_")[0], item.family, item.key


def _rename_sets(chain: Chain, renamed: Mapping[str, str]) -> Chain:
    rules = tuple(
        replace(rule, matches=tuple(_rename_set(match, renamed) for match in rule.matches))
        if any(isinstance(match, SetMatch) and match.set in renamed for match in rule.matches)
        else rule
        for rule in chain.rules
    )
    return chain.with_rules(rules)


def _rename_set(match: Match, renamed: Mapping[str, str]) -> Match:
    if isinstance(match, SetMatch) and match.set in renamed:
        return replace(match, set=renamed[match.set])
    return match


def _equal_chains(program: Program) -> Mapping[str, str]:
    """Return, for each chain that repeats an earlier one, the earlier one's name."""
    first: dict[tuple[Rule, ...], str] = {}
    renamed: dict[str, str] = {}
    for chain in program.chains:
        if chain.hook is None:
            name = first.setdefault(chain.rules, chain.name)
            if name != chain.name:
                renamed[chain.name] = name
    return renamed


def _rename_map(item: Map, renamed: Mapping[str, str]) -> Map:
    if not any(_rename(verdict, renamed) is not verdict for verdict in item.verdicts):
        return item
    elements = ((key, _rename(verdict, renamed)) for key, verdict in item.elements)
    return map_of(item.name, item.family, item.key, elements)


def _rename_chain(chain: Chain, renamed: Mapping[str, str]) -> Chain:
    rules = tuple(_rename_rule(rule, renamed) for rule in chain.rules)
    return chain.with_rules(rules)


def _rename_rule(rule: Rule, renamed: Mapping[str, str]) -> Rule:
    if isinstance(rule.verdict, Lookup):
        return rule
    verdict = _rename(rule.verdict, renamed)
    return rule if verdict is rule.verdict else replace(rule, verdict=verdict)


def _rename(verdict: Verdict, renamed: Mapping[str, str]) -> Verdict:
    match verdict:
        case Jump(target) if target in renamed:
            return Jump(renamed[target])
        case Goto(target) if target in renamed:
            return Goto(renamed[target])
        case _:
            return verdict
