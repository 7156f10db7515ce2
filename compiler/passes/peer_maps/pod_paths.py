"""The ways of pods through a Program's chains, and what peers get on them.

An *entry* is a look-up in a base chain that leads each pod to its first chain. From there a pod's
way depends on its address alone, because each later tier is looked up by it: pods with the same
chains at every tier are on one *route*, and what a route does with a peer is one function from
service to verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from ...bitset import bits
from ...ir.match import AddressMatch, Field, SetMatch
from ...ir.packet_space import LAST_SERVICE, Segments, ends, read_test, sets_of
from ...ir.program import Chain, Goto, Jump, Lookup, Program, Rule, Set, Terminal, Verdict
from ...ir.reachability import DENY_VERDICTS, deny_verdicts_of, judges_self
from ...net import Family, Interval, normalize
from .entries import Entry
from .partition import Networks, PeerAtoms, Peers, addresses_of_set, listed_addresses
from .port_defaults import Allowed

_REMEMBERED = 8192
_PEERS = (SetMatch, AddressMatch)


class PathTest(Struct, frozen=True, eq=False):
    """What a rule tests: peers where it does, listed or by networks, and services."""

    peers: Peers | None
    services: tuple[Interval, ...]


PathOutcome = bool | str
"""Whether the packet is allowed, or the chain that judges it further."""


class PodPath(Struct, frozen=True):
    """The chains that pods' packets may come to, by name, each with its rules' tests and outcomes.

    What reaches the end of a chain is allowed. ``key`` names the path, ``pods`` are the addresses
    on it, and ``deny`` is the verdict that denies.
    """

    key: str
    start: str
    steps: Mapping[str, tuple[tuple[PathTest, PathOutcome], ...]]
    pods: tuple[int, ...]
    deny: Verdict

    def tests(self) -> Iterator[PathTest]:
        """Yield what all the rules test."""
        for steps in self.steps.values():
            for test, _ in steps:
                yield test

    def judge(self, atoms: PeerAtoms) -> list[tuple[int, Allowed]]:
        """Return which services each group of peer atoms may use.

        The groups are masks of atoms, disjoint, and together all atoms.
        """
        line = Segments(cut for test in self.tests() for cut in ends(test.services))
        allowed = [0] * line.pieces
        waiting = {self.start: [atoms.all] * line.pieces}
        while waiting:
            name, left = waiting.popitem()
            for test, outcome in self.steps[name]:
                peers = atoms.all if test.peers is None else atoms.masks[test.peers]
                for piece in bits(line.mask(test.services)):
                    met = left[piece] & peers
                    left[piece] ^= met
                    if outcome is True:
                        allowed[piece] |= met
                    elif met and outcome:
                        waiting.setdefault(outcome, [0] * line.pieces)[piece] |= met
            allowed = [mine | its for mine, its in zip(allowed, left, strict=True)]
        return _by_services(atoms.all, line, allowed)


def _by_services(
    everyone: int, line: Segments, allowed: Sequence[int]
) -> list[tuple[int, Allowed]]:
    services: dict[int, list[Interval]] = {}
    for piece, peers in enumerate(allowed):
        if peers and (interval := line.interval(piece, LAST_SERVICE)):
            services.setdefault(peers, []).append(interval)
    groups: list[tuple[int, list[Interval]]] = [(everyone, [])]
    for peers, intervals in services.items():
        inside = [(group & peers, [*found, *intervals]) for group, found in groups if group & peers]
        groups = inside + [(group & ~peers, found) for group, found in groups if group & ~peers]
    return [(group, normalize(found)) for group, found in groups]


@lru_cache(_REMEMBERED)
def _read_tests(
    chain: Chain, sets: tuple[Set, ...], field: Field, family: Family
) -> tuple[PathTest | None, ...]:
    """Return what the rules test; None for what is more than peers and services, or not known."""
    named = {item.name: item for item in sets}
    return tuple(_read_test(rule, field, family, named) for rule in chain.rules)


def _read_test(
    rule: Rule, field: Field, family: Family, sets: Mapping[str, Set]
) -> PathTest | None:
    test = read_test(rule, field, family, sets)
    if test is None or test.unknown:
        return None
    if not test.exact:
        return PathTest(None if test.peers is None else Networks(test.peers), test.services)
    names = (match.set for match in rule.matches if isinstance(match, SetMatch))
    name = next(names, None)
    peers = addresses_of_set(sets[name]) if name else listed_addresses(test.peers or ())
    return PathTest(peers, test.services)


class _ByPod(Struct, frozen=True):
    """A step that the pod's own address decides."""

    map: str


class PathFinder:
    """Follows pods from an entry; chains that were read for one are known for all."""

    def __init__(self, program: Program, entry: Entry) -> None:
        """Index the program."""
        self._entry = entry
        self._chains = program.chains_by_name()
        self._sets = program.sets_by_name()
        self._maps = program.maps_by_name()
        self._by_pod: dict[str, Mapping[int, Verdict]] = {}
        self._deny_verdicts: set[Verdict] = set()
        self._gone_to: dict[Goto, Verdict | None] = {}
        self._read: dict[str, tuple[tuple[PathTest, PathOutcome | _ByPod], ...] | None] = {}

    def paths(self) -> list[PodPath]:
        """Return the paths that are functions of peer and service; other pods are on none."""
        pods: dict[tuple[tuple[str, str], ...], list[int]] = {}
        for ((pod, last),), verdict in self._entry.map.elements:
            if isinstance(verdict, Jump) and pod == last:
                way = self._way(verdict.chain, pod)
                if way is not None:
                    pods.setdefault(way, []).append(pod)
        deny = self._deny()
        if deny is None:
            return []
        return [self._path(way, tuple(found), deny) for way, found in pods.items()]

    def _deny(self) -> Verdict | None:
        """Return the verdict that can stand for all that deny; None if there is none."""
        judging_self = {
            verdict
            for verdict in self._deny_verdicts
            if isinstance(verdict, Goto) and judges_self(self._chains[verdict.chain])
        }
        found = judging_self or self._deny_verdicts or {Terminal.DROP}
        others = self._deny_verdicts - found
        return next(iter(found)) if len(found) == 1 and len(others) <= 1 else None

    def maps(self) -> Iterable[str]:
        """Return the maps that lead pods from chain to chain, as far as they were followed."""
        return self._by_pod

    def _way(self, start: str, pod: int) -> tuple[tuple[str, str], ...] | None:
        """Return the chains that the pod's packets may come to, and what decided it."""
        found: dict[str, str] = {}
        waiting = [start]
        while waiting:
            name = waiting.pop()
            steps = self._steps(name)
            if steps is None:
                return None
            found[name] = ""
            for _, outcome in steps:
                target = self._decide(outcome, pod)
                if isinstance(outcome, _ByPod):
                    found[name] += f" {target}"
                if isinstance(target, str) and target not in found:
                    waiting.append(target)
        return tuple(found.items())

    def _path(
        self, way: tuple[tuple[str, str], ...], pods: tuple[int, ...], deny: Verdict
    ) -> PodPath:
        steps = {
            name: tuple(
                (test, target)
                for test, outcome in self._steps(name) or ()
                if (target := self._decide(outcome, pods[0])) is not None
            )
            for name, _ in way
        }
        key = ";".join(name + decided for name, decided in way)
        return PodPath(key, way[0][0], steps, pods, deny)

    def _decide(self, outcome: PathOutcome | _ByPod, pod: int) -> PathOutcome | None:
        """Return the outcome for a pod; None where its map has nothing, so that the next counts."""
        if not isinstance(outcome, _ByPod):
            return outcome
        verdict = self._by_pod[outcome.map].get(pod)
        return None if verdict is None else self._outcome(verdict)

    def _steps(self, name: str) -> tuple[tuple[PathTest, PathOutcome | _ByPod], ...] | None:
        if name not in self._read:
            chain, entry = self._chains[name], self._entry
            tests = _read_tests(chain, sets_of(chain, self._sets), entry.peer, entry.family)
            steps = [self._step(*each) for each in zip(chain.rules, tests, strict=True)]
            known = [step for step in steps if step is not None]
            self._read[name] = tuple(known) if len(known) == len(steps) else None
        return self._read[name]

    def _step(
        self, rule: Rule, test: PathTest | None
    ) -> tuple[PathTest, PathOutcome | _ByPod] | None:
        if test is None:
            return None
        if not isinstance(rule.verdict, Lookup):
            outcome = self._outcome(rule.verdict)
            return None if outcome is None else (test, outcome)
        if rule.matches or rule.verdict.fields != (self._entry.subject,):
            return None
        name = rule.verdict.map
        if name not in self._by_pod:
            found = self._maps[name]
            elements = found.elements
            leads = {low: verdict for ((low, high),), verdict in elements if low == high}
            if found.family is not self._entry.family or len(leads) < len(elements):
                return None
            if any(self._outcome(verdict) is None for verdict in leads.values()):
                return None
            self._by_pod[name] = leads
        return test, _ByPod(name)

    def _outcome(self, verdict: Verdict) -> PathOutcome | None:
        """Return what the verdict comes to; None where it is none of those that end a policy."""
        if verdict is Terminal.RETURN:
            return True
        if verdict in DENY_VERDICTS:
            self._deny_verdicts.add(verdict)
            return False
        if not isinstance(verdict, Goto):
            return None
        if verdict not in self._gone_to:
            self._gone_to[verdict] = self._denial(verdict)
        denial = self._gone_to[verdict]
        if denial is None:
            return verdict.chain
        self._deny_verdicts.add(denial)
        return False

    def _denial(self, verdict: Goto) -> Verdict | None:
        """Return the verdict that a goto to a chain that denies comes to; None for other chains."""
        chain = self._chains[verdict.chain]
        deny_verdicts = deny_verdicts_of(chain)
        # A chain that only drops says no more than DROP does.
        only_drops = deny_verdicts == {Terminal.DROP} and not judges_self(chain)
        return (Terminal.DROP if only_drops else verdict) if deny_verdicts else None
