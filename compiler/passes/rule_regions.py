"""The packets that each rule of a chain tests for, as masks that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from ..bitset import bits
from ..ir.match import AddressMatch, Field, SetMatch
from ..ir.packet_space import Segments, Test, ends, read_test
from ..ir.program import Rule, Set
from ..net import Family
from .cost_model import LARGEST_COMPARED


class Region(Struct):
    """The packets that a rule tests for: peers, and services each by its piece.

    ``reached`` are, service by service, the peers that no rule before has taken. Of an unknown
    region the peers are those that it may have at most.
    """

    peers: int
    services: tuple[int, ...]
    unknown: bool
    reached: list[int]


Regions = Sequence[Region | None]
"""For each rule its region; None where it tests something else."""


def regions_of(rules: Sequence[Rule], sets: Mapping[str, Set]) -> Regions:
    """Return the regions of a chain's rules, all cut at the same peers and services."""
    field, family = peers_of(rules, sets)
    tests = [_bounded(read_test(rule, field, family, sets)) for rule in rules]
    lists = {id(test.peers): test.peers for test in tests if test and test.peers}
    cuts = {cut for intervals in lists.values() for cut in ends(intervals)}
    peers = Segments(cuts | {family.max_address + 1})  # what lies beyond are the other family's
    services = Segments({cut for test in tests if test for cut in ends(test.services)})
    return [None if test is None else _region(test, peers, services) for test in tests]


def _bounded(test: Test | None) -> Test | None:
    """Return the test, its peers unknown where there are too many to compare them one by one."""
    if test is None or test.peers is None or len(test.peers) <= LARGEST_COMPARED:
        return test
    return Test(None, test.services, unknown=True, exact=test.exact)


def peers_of(rules: Iterable[Rule], sets: Mapping[str, Set]) -> tuple[Field, Family]:
    """Return the address field, and its family, that the chain's rules test first."""
    for rule in rules:
        for match in rule.matches:
            if isinstance(match, AddressMatch):
                return match.field, match.family
            if isinstance(match, SetMatch) and len(match.fields) == 1:
                return match.fields[0], sets[match.set].family
    return Field.SADDR, Family.IPV4


def _region(test: Test, peers: Segments, services: Segments) -> Region:
    mask = peers.all if test.peers is None else peers.mask(test.peers)
    return Region(mask, tuple(bits(services.mask(test.services))), test.unknown, [])
