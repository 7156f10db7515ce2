"""The comment that a ruleset file starts with: what it was compiled from, without a time stamp."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import printable
from ..options import Options
from ..policy import Policy
from ..snapshot import Snapshot
from .counts import count
from .first_line import first_line


def header(
    node: str,
    snapshot: Snapshot,
    policies: Iterable[Policy],
    options: Options,
    level: int,
) -> tuple[str, ...]:
    """Return the lines: node, version, options, the snapshot's counts, the policies in force."""
    in_force = tuple(policies)
    options_line = f"-O{level} --deny-with {options.deny_with.value}"
    options_line += f" --own-node {options.own_node.value}"
    counts = (
        count(len(snapshot.namespaces), "namespace"),
        count(len(snapshot.nodes), "node"),
        count(len(snapshot.endpoints), "endpoint"),
    )
    lines = [
        first_line(node),
        "",
        f"Options: {options_line}",
        f"Snapshot: {', '.join(counts)}",
        f"Policies in force here: {len(in_force)}",
    ]
    lines += (f"  {_describe(policy)}" for policy in in_force)
    # A line break in a name would end the comment, and what follows it would be loaded.
    return tuple(printable(line) for line in lines)


def _describe(policy: Policy) -> str:
    generation = f" (generation {policy.generation})" if policy.generation else ""
    return f"{policy.kind} {policy.name}, tier {policy.tier.value}{generation}"
