"""How long the rules on the paths of pods take: whether maps of peers are worth while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...ir.match import AddressMatch, SetMatch
from ...ir.program import Jump, Program, Rule, Terminal
from ...ir.reachability import deny_verdicts_of, successors
from ..cost_model import scan, takes_long
from .entries import Entry
from .partition import ListedAddresses
from .pod_paths import PodPath

_PEERS = (SetMatch, AddressMatch)


class LongestPaths:
    """Bounds the length of paths, in a fraction of the time that it takes to follow each pod."""

    def __init__(self, program: Program) -> None:
        """Index the program."""
        self._chains = program.chains_by_name()
        self._maps = program.maps_by_name()
        self._known: dict[str, tuple[int, int]] = {}

    def rules(self, chains: Iterable[str]) -> tuple[int, int]:
        """Return the most rules on peers, and the most others, on a path from the chains."""
        on_peers, others = zip((0, 0), *[self._from(name) for name in chains], strict=True)
        return max(on_peers), max(others)

    def _from(self, name: str) -> tuple[int, int]:
        known = self._known.get(name)
        if known is None:
            chain = self._chains[name]
            rules = () if deny_verdicts_of(chain) else chain.rules
            on_peers = others = 0
            for rule in rules:
                if _tests_peers(rule):
                    on_peers += 1
                else:
                    others += 1
                if not isinstance(rule.verdict, Terminal):
                    fallthrough = self.rules(successors(rule.verdict, self._maps))
                    on_peers, others = on_peers + fallthrough[0], others + fallthrough[1]
            known = self._known[name] = (on_peers, others)
        return known


def _tests_peers(rule: Rule) -> bool:
    for match in rule.matches:  # noqa: SIM110 - any() takes three times as long
        if isinstance(match, _PEERS):
            return True
    return False


def may_take_long(entry: Entry, longest: LongestPaths) -> bool:
    """Tell whether a path from the entry may be worth maps of peers."""
    return takes_long(scan(*longest.rules(_firsts(entry))))


def _firsts(entry: Entry) -> Iterable[str]:
    return (verdict.chain for verdict in entry.map.verdicts if isinstance(verdict, Jump))


def slow_paths(paths: Sequence[PodPath], saved: Mapping[str, float]) -> list[PodPath]:
    """Return the paths that take long as they are; none if maps of ports make all of them quick.

    If one needs maps of peers, all slow ones get them, since their sets go. ``saved`` are the
    nanoseconds that a map of ports saves in each chain that may have one.
    """
    slow = [path for path in paths if takes_long(_scan(path))]
    left = (_scan(path) - sum(saved.get(name, 0) for name in path.steps) for path in slow)
    return slow if any(map(takes_long, left)) else []


def _scan(path: PodPath) -> float:
    """Return the nanoseconds of a path's rules; those on networks stay rules for most peers."""
    tests = list(path.tests())
    listed = sum(
        isinstance(test.peers, ListedAddresses) and len(test.peers.keys) > 1 for test in tests
    )
    return scan(listed, len(tests) - listed)
