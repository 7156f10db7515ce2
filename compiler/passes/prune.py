"""Drop rules that no packet can meet, and rules without which every packet ends the same.

Before:

    program "n"

    chain c {
      saddr 10.0.0.0-10.0.0.127 drop
      saddr 10.0.0.128-10.0.0.255 drop
      saddr 10.0.0.7-10.0.0.200 return
      tcp 80 return
      tcp 80-81 drop
      tcp any return
    }

    chain forward hook forward {
      jump c
    }

After:

    program "n"

    chain c {
      saddr 10.0.0.0-10.0.0.127 drop
      saddr 10.0.0.128-10.0.0.255 drop
      tcp 80 return
      tcp 80-81 drop
    }

    chain forward hook forward {
      jump c
    }
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from ..ir.match import SetMatch
from ..ir.packet_space import is_test_and_default, sets_of
from ..ir.program import Chain, Goto, Program, Rule, Set, Terminal, Verdict
from .rule_regions import Region, Regions, peers_of, regions_of

_REMEMBERED = 8192


class Reason(enum.Enum):
    """Why a rule is not needed."""

    EMPTY = "empty"
    """It matches no packet."""
    COVERED = "covered"
    """Every packet that it matches meets one of the rules before it."""
    SAME = "same"
    """What comes behind it does the same to every packet that it matches."""


class Pruned(Struct, frozen=True):
    """A rule that was dropped; ``by`` are the rules that do what it did, none for a chain's end."""

    chain: str
    rule: Rule
    reason: Reason
    by: tuple[Rule, ...]


class Pruning(Struct, frozen=True):
    """What was dropped from a program, and the program before and after."""

    before: Program
    after: Program
    items: tuple[Pruned, ...]


def prune(program: Program) -> Program:
    """Return the program without the rules that ``pruned`` gives."""
    sets = program.sets_by_name()
    chains = tuple(
        [
            chain
            if _is_needed(chain.rules, sets)
            else chain.keep_if_equal(_prune(chain, sets_of(chain, sets), telling=False)[0])
            for chain in program.chains
        ]
    )
    return program if chains == program.chains else replace(program, chains=chains)


def pruned(program: Program) -> tuple[Pruned, ...]:
    """Return the rules that ``prune`` drops from the program."""
    sets = program.sets_by_name()
    return tuple(
        item
        for chain in program.chains
        for item in _prune(chain, sets_of(chain, sets), telling=True)[1]
    )


@lru_cache(_REMEMBERED)
def _prune(
    chain: Chain, sets: tuple[Set, ...], *, telling: bool
) -> tuple[Chain, tuple[Pruned, ...]]:
    """Return the chain without the rules and, if asked to tell, the rules.

    They follow from these values alone. Which rules stand for each takes quadratic time to find.
    """
    named = {item.name: item for item in sets}
    if chain.hook or _is_needed(chain.rules, named):
        return chain, ()
    regions = regions_of(chain.rules, named)
    covered = _covered(chain.rules, regions)
    found = covered | _same(chain.rules, regions, covered)
    if not found:
        return chain, ()
    kept = tuple(rule for place, rule in enumerate(chain.rules) if place not in found)
    told = tuple(
        Pruned(chain.name, chain.rules[place], reason, _by(chain.rules, regions, place, found))
        for place, reason in sorted(found.items())
        if telling
    )
    left = Chain(chain.name, kept)
    more: tuple[Pruned, ...] = ()
    if peers_of(kept, named) != peers_of(chain.rules, named):
        left, more = _prune(
            left, sets, telling=telling
        )  # what is compared now could not be seen before
    return left, told + more


def _is_needed(rules: tuple[Rule, ...], sets: Mapping[str, Set]) -> bool:
    """Tell at a glance of the most usual chains that nothing can go."""
    if not is_test_and_default(rules):
        return False
    default = rules[-1].verdict
    if default is _RETURN or len(rules) == 1:
        return default is not _RETURN
    test = rules[0]
    if not test.matches or test.verdict == default:
        return False
    for match in test.matches:
        if isinstance(match, SetMatch) and not _may_match(sets[match.set]):
            return False
    return True


_RETURN = Terminal.RETURN


def _may_match(item: Set) -> bool:
    return item.dynamic or bool(item.elements)


_Found = dict[int, Reason]


def _covered(rules: Sequence[Rule], regions: Regions) -> _Found:
    """Return the rules whose region earlier ones share out; note what reaches each rule."""
    found: _Found = {}
    taken: dict[int, int] = {}
    closed = False
    for place, (rule, region) in enumerate(zip(rules, regions, strict=True)):
        if closed:
            found[place] = Reason.COVERED
            continue
        closed = not rule.matches and isinstance(rule.verdict, Terminal | Goto)
        if region is None:
            continue
        region.reached = [region.peers & ~taken.get(item, 0) for item in region.services]
        if not region.peers:
            found[place] = Reason.EMPTY
        elif not any(region.reached):
            found[place] = Reason.COVERED
        elif isinstance(rule.verdict, Terminal | Goto) and not region.unknown:
            for item in region.services:
                taken[item] = taken.get(item, 0) | region.peers
    return found


def _same(rules: Sequence[Rule], regions: Regions, covered: _Found) -> _Found:
    """Return the rules that what is behind them, up to the chain's end, makes superfluous."""
    found: _Found = {}
    behind = _Behind(regions)
    for place in reversed(range(len(rules))):
        region, verdict = regions[place], rules[place].verdict
        if place in covered:
            continue
        if region is None:
            behind.forget()
        elif not isinstance(verdict, Terminal | Goto):
            behind.forget(region)
        elif behind.gives(verdict, region):
            found[place] = Reason.SAME
        else:
            behind.put(verdict, region)
    return found


class _Behind:
    """What the rules behind a place do: for each service the peers, by verdict."""

    def __init__(self, regions: Regions) -> None:
        """Start at the end of a chain, which returns."""
        everyone = max((region.peers.bit_length() for region in regions if region), default=0)
        services = {item for region in regions if region for item in region.services}
        self._peers: dict[Verdict, dict[int, int]] = {
            Terminal.RETURN: dict.fromkeys(services, (1 << everyone) - 1)
        }

    def gives(self, verdict: Verdict, region: Region) -> bool:
        """Tell whether all that reaches the region's rule would get the verdict without it."""
        given = self._peers.get(verdict, {})
        return not any(
            reached & ~given.get(item, 0)
            for item, reached in zip(region.services, region.reached, strict=True)
        )

    def put(self, verdict: Verdict, region: Region) -> None:
        """Place a rule of this verdict ahead."""
        kept = self._peers.get(verdict, {}) if region.unknown else {}
        kept = {item: kept.get(item, 0) & region.peers for item in region.services}
        self.forget(region)
        mine = self._peers.setdefault(verdict, {})
        for item in region.services:
            mine[item] = mine.get(item, 0) | (kept[item] if region.unknown else region.peers)

    def forget(self, region: Region | None = None) -> None:
        """Know no longer what happens to these packets, or to any."""
        if region is None:
            self._peers.clear()
            return
        for peers in self._peers.values():
            for item in region.services:
                if item in peers:
                    peers[item] &= ~region.peers


def _by(rules: Sequence[Rule], regions: Regions, place: int, found: _Found) -> tuple[Rule, ...]:
    """Return the rules that do what the one at the place did."""
    region, reason = regions[place], found[place]
    others = range(place) if reason is Reason.COVERED else range(place + 1, len(rules))
    return tuple(
        rules[item]
        for item in others
        if item not in found
        and _meet(region, regions[item])
        and isinstance(rules[item].verdict, Terminal | Goto)
        and (reason is Reason.COVERED or rules[item].verdict == rules[place].verdict)
    )


def _meet(region: Region | None, other: Region | None) -> bool:
    return (
        region is not None
        and other is not None
        and bool(region.peers & other.peers)
        and not set(region.services).isdisjoint(other.services)
    )
