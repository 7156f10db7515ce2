"""The elements of maps as rules, each below a prefix, from which trees of chains are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ...compiler.ir.match import AddressMatch, Field, Key
from ...compiler.ir.program import Goto, Jump, Rule, Verdict
from ...compiler.net import Family, Prefix, prefixes


class Leaf(Struct, frozen=True):
    """A prefix, and the rules for packets that it holds."""

    prefix: Prefix
    rules: tuple[Rule, ...]


def leaves_of(
    family: Family, fields: Sequence[Field], elements: Iterable[tuple[Key, Verdict]]
) -> Sequence[Leaf]:
    """Return the leaves of a map's elements, in order: one for each prefix of the first field."""
    found: dict[Prefix, list[Rule]] = {}
    for (first, *others), verdict in elements:
        tests = [
            AddressMatch(field, family, (other,))
            for field, other in zip(fields[1:], others, strict=True)
        ]
        for prefix in prefixes(family, first):
            rule = Rule((within(fields[0], prefix), *tests), _gone_to(verdict))
            found.setdefault(prefix, []).append(rule)
    return [Leaf(prefix, tuple(rules)) for prefix, rules in found.items()]


def _gone_to(verdict: Verdict) -> Verdict:
    """Return the verdict within a tree, where what was jumped to is gone to."""
    return Goto(verdict.chain) if isinstance(verdict, Jump) else verdict


def within(field: Field, prefix: Prefix) -> AddressMatch:
    """Return the test for the prefix."""
    return AddressMatch(field, prefix.family, (prefix.interval,))


def cut(leaves: list[Leaf], enough: int, found: list[tuple[Prefix, list[Leaf]]]) -> list[Leaf]:
    """Move the smallest subtrees with enough leaves to ``found``, and return the leaves left over.

    A subtree has fewer than twice as many, so that the next level is that much smaller whatever the
    addresses are. Where one prefix holds another, the inner one comes first.
    """
    if len(leaves) < max(enough, 2):
        return leaves
    common = _common(leaves)
    middle = common.network | (1 << (common.family.value - common.length - 1))
    left = [leaf for leaf in leaves if leaf.prefix.network < middle]
    right = [leaf for leaf in leaves if leaf.prefix.network >= middle]
    rest = cut(left, enough, found) + cut(right, enough, found)
    if len(rest) < enough:
        return rest
    found.append((common, rest))
    return []


def _common(leaves: Sequence[Leaf]) -> Prefix:
    """Return the longest prefix that holds all of two or more leaves, which are in order."""
    family = leaves[0].prefix.family
    low, high = leaves[0].prefix.network, leaves[-1].prefix.interval[1]
    bits = (low ^ high).bit_length()
    return Prefix(family, low >> bits << bits, family.value - bits)
