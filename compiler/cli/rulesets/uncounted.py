"""Policies of which no rule counts: maps decide for them, or rules of others stand for theirs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..output.messages import count
from .read_header import Header

_MOST = 10
_RULE = re.compile(
    r'(?:^\t\t(?:[^"\n]* )?counter [^"\n]*|^-A [^"\n]*--)comment "([^"\n]*)"', re.MULTILINE
)
_POLICY = re.compile(r"\S+ (\S+), tier (\S+)")
_CUT = "..."
_LEVEL_OF_MAPS = 2


def counting_rules(texts: Mapping[str, str]) -> Iterator[str]:
    """Yield what each rule that counts says of itself, in the texts of a ruleset."""
    for text in texts.values():
        yield from _RULE.findall(text)


def uncounted(header: Header, rules: Iterable[str]) -> tuple[str, ...]:
    """Return the policies in force of which none of the rules tells, as the header has them."""
    # A rule's comment begins with tier and policy, and is cut where it is too long.
    told = {" ".join(rule.split(" ")[:2]) for rule in set(rules)}
    cut = tuple(name.removesuffix(_CUT) for name in told if name.endswith(_CUT))
    return tuple(
        policy
        for policy in header.policies
        if (name := _name(policy)) not in told and not (cut and name.startswith(cut))
    )


def words_of_uncounted(
    level: int | None, policies: Sequence[str], without: Sequence[str]
) -> Iterator[str]:
    """Yield what people are told of what does not count, of all policies and those without."""
    if level is not None and level >= _LEVEL_OF_MAPS:
        yield f"not counted: what -O{level} decides for many rules at once; -O1 counts each rule"
    if without:
        number = f"{len(without):,} of {count(len(policies), 'policy', 'policies')}"
        yield f"no rule counts for {number}:"
        yield from (f"  {policy}" for policy in without[:_MOST])
    if len(without) > _MOST:
        yield f"  ... {len(without) - _MOST:,} more"


def _name(policy: str) -> str:
    """Return a policy as rules name it: its tier and its name."""
    found = _POLICY.match(policy)
    return f"{found[2]} {found[1]}" if found else policy
