"""Which rules of policies the rulesets do without, for which pods, and what stands for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from msgspec import Struct, field

from ....backends.text import describe_origins
from ...ir.match import Origin
from ...ir.names import SELF
from ...ir.printer import print_rule
from ...ir.program import Goto, Jump, Program, Rule
from ...model.snapshot import Address
from ...net import Family
from ...passes.prune import Pruned, Pruning, Reason
from ...pipeline import Pipeline

_LISTED = 5  # pods, where a line can only give examples
_END = "the end of the tier"
_REASONS = {
    Reason.EMPTY: "matches nothing",
    Reason.COVERED: "is covered by",
    Reason.SAME: "changes nothing:",
}

Names = Mapping[Address, str]
"""The pods, as namespace/name, by address."""

_Seat = tuple[str, str]
"""The map that leads to a chain, one for each tier and direction of traffic, and a pod in it."""

_Key = tuple[str, str, Reason, str]


class Explained(Struct, frozen=True):
    """A test of a policy's rule that is not made for ``pods``; ``by`` is what stands for it.

    For the pods in ``others`` the rule still decides, and so it does for the pods in ``partly``
    about other traffic of theirs: what they tell their own node, or what they tell the rest.
    """

    rule: str
    test: str
    reason: Reason
    by: str
    pods: tuple[str, ...]
    others: tuple[str, ...]
    partly: tuple[str, ...]
    everyone: bool
    """Whether this is all: no other pod is left, nor is the test dropped for another reason."""
    everywhere: bool
    """Whether all nodes of the input were asked."""

    def __str__(self) -> str:
        """Return the line that people read."""
        same = " does the same" if self.reason is Reason.SAME else ""
        by = f" {self.by}{same}" if self.by else ""
        line = f"{self.rule}: '{self.test}' {_REASONS[self.reason]}{by}"
        if self.everyone:
            return f"{line}, for every pod that it is for" + (
                "" if self.everywhere else " on the nodes compiled"
            )
        line = f"{line}, for {_some(self.pods)}"
        if self.others:
            line += f"; it still decides for {_some(self.others)}"
        if self.partly:
            line += f"; to the own node, or to others, it still decides for {_some(self.partly)}"
        return line

    def facts(self) -> dict[str, object]:
        """Return the same as JSON has it."""
        return {
            "rule": self.rule,
            "test": self.test,
            "reason": self.reason.value,
            "by": self.by or None,
            "pods": list(self.pods),
            "decides_for": sorted({*self.others, *self.partly}),
        }


class _Found(Struct):
    """Where a test is not made, in whose place rules of these origins may still be."""

    family: Family
    origins: tuple[Origin, ...]
    seats: set[_Seat] = field(default_factory=set)


def explain_nodes(pipeline: Pipeline, chosen: Sequence[str]) -> tuple[Explained, ...]:
    """Return what is to be told of the nodes chosen, rule by rule."""
    names = {
        address: f"{pod.namespace}/{pod.name}"
        for node in chosen
        for pod in pipeline.pods(node)
        for address in pod.addresses
    }
    prunings = ((pruning, names) for node in chosen for pruning in pipeline.prunings(node))
    everywhere = len(chosen) == len(pipeline.resolver.node_names())
    found = explain(prunings, everywhere=everywhere)
    return tuple(sorted(found, key=attrgetter("rule", "test", "pods", "by")))


def explain(prunings: Iterable[tuple[Pruning, Names]], *, everywhere: bool) -> Iterator[Explained]:
    """Yield each test that came from a policy and was dropped, once for all nodes."""
    found: dict[_Key, _Found] = {}
    kept: defaultdict[tuple[Family, Origin], set[_Seat]] = defaultdict(set)
    for pruning, names in prunings:
        led = _led(pruning.before, names)
        for item in pruning.items:
            if item.rule.origins and item.chain in led:
                family, seats = led[item.chain]
                made = found.setdefault(_key(item), _Found(family, item.rule.origins))
                made.seats.update(seats)
        for chain in pruning.after.chains:
            family, seats = led.get(chain.name, (Family.IPV4, set()))
            for origin in {origin for rule in chain.rules for origin in rule.origins}:
                kept[family, origin].update(seats)
    seats_of: defaultdict[tuple[str, str], set[_Seat]] = defaultdict(set)
    for (rule, test, *_), made in found.items():
        seats_of[rule, test] |= made.seats
    for key, made in found.items():
        rest = {seat for origin in made.origins for seat in kept.get((made.family, origin), ())}
        alone = seats_of[key[:2]] == made.seats
        yield _explained(key, made.seats, rest, alone=alone, everywhere=everywhere)


def _explained(
    key: _Key, seats: set[_Seat], rest: set[_Seat], *, alone: bool, everywhere: bool
) -> Explained:
    pods = {pod for _, pod in seats}
    still = {pod for _, pod in rest - seats}
    rule, test, reason, by = key
    return Explained(
        rule,
        test,
        reason,
        by,
        tuple(sorted(pods)),
        tuple(sorted(still - pods)),
        tuple(sorted(still & pods)),
        alone and not still,
        everywhere,
    )


def _led(program: Program, names: Names) -> Mapping[str, tuple[Family, set[_Seat]]]:
    """Return the chains of tiers, each with the pods that are led to it.

    What pods send to themselves is judged by what is left of rules for it, and no rule goes there.
    """
    found: dict[str, tuple[Family, set[_Seat]]] = {}
    for item in program.maps:
        if item.name.startswith(SELF):
            continue
        for verdict, keys in item.groups:
            if isinstance(verdict, Jump | Goto):
                addresses = ((item.family, key[0][0]) for key in keys)
                seats = {(item.name, names[address]) for address in addresses if address in names}
                found.setdefault(verdict.chain, (item.family, set()))[1].update(seats)
    return found


def _key(item: Pruned) -> _Key:
    test = print_rule(Rule(item.rule.matches, item.rule.verdict))
    by = "" if item.reason is Reason.EMPTY else _by(item)
    return describe_origins(item.rule.origins), test, item.reason, by


def _by(item: Pruned) -> str:
    origins = tuple(dict.fromkeys(origin for rule in item.by for origin in rule.origins))
    return describe_origins(origins) if origins else _END


def _some(pods: Sequence[str]) -> str:
    more = len(pods) - _LISTED
    return ", ".join(pods[:_LISTED]) + (f" and {more} more" if more > 0 else "")
