"""The comment at the head of a ruleset file: written, and read back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from .... import __version__
from ...errors import printable
from ...model.policy import Policy
from ...model.snapshot import Endpoint, Snapshot
from ...net import format_address
from ...options import Options
from ..output.messages import count
from .digest_line import NO_DIGEST

_BEFORE, _AFTER = "Network policy of node ", ", compiled by cnpc "


def first_line(node: str) -> str:
    """Return the line, without the sign of a comment."""
    return f"{_BEFORE}{node}{_AFTER}{__version__}."


def node_of(text: str) -> str | None:
    """Return the node that a ruleset's text says it is of; None where it says none."""
    line = text.partition("\n")[0].removeprefix("# ")
    name, after, _ = line.removeprefix(_BEFORE).rpartition(_AFTER)
    return name if after and line.startswith(_BEFORE) else None


_MOST_PODS = 1_000
"""Of larger clusters only the node's own pods are named: other nodes' would take megabytes."""


class Compilation(Struct, frozen=True):
    """What was compiled: for all nodes the same."""

    snapshot: Snapshot
    policies: int
    """How many policies there are, in force anywhere or not."""
    options: Options
    level: int


def header(
    node: str, compilation: Compilation, policies: Sequence[Policy], pods: Sequence[Endpoint]
) -> tuple[str, ...]:
    """Return the lines: node, options, counts, and by name the node's policies and pods.

    ``policies`` are those in force on the node, ``pods`` are its own. The digest is still to come.
    """
    lines = [
        first_line(node),
        "",
        f"Options: {_options(compilation)}",
        f"Snapshot: {_counts(compilation.snapshot)}",
        NO_DIGEST,
        f"Policies in force here: {len(policies)} of {compilation.policies}",
        *(f"  {_policy(policy)}" for policy in policies),
        *_pods("Pods here", pods),
    ]
    if len(compilation.snapshot.endpoints) <= _MOST_PODS:
        others = [pod for pod in compilation.snapshot.endpoints if pod.node != node]
        lines += _pods("Pods elsewhere", others)
    # A line break in a name would end the comment, and what follows it would be loaded.
    return tuple(printable(line) for line in lines)


def _options(compilation: Compilation) -> str:
    options = compilation.options
    own_node = options.own_node.value
    return f"-O{compilation.level} --deny-with {options.deny_with.value} --own-node {own_node}"


def _counts(snapshot: Snapshot) -> str:
    return ", ".join(
        (
            count(len(snapshot.namespaces), "namespace"),
            count(len(snapshot.nodes), "node"),
            count(len(snapshot.endpoints), "endpoint"),
        )
    )


def _policy(policy: Policy) -> str:
    generation = f" (generation {policy.generation})" if policy.generation else ""
    return f"{policy.kind} {policy.name}, tier {policy.tier.value}{generation}"


def _pods(title: str, pods: Sequence[Endpoint]) -> Iterable[str]:
    yield f"{title}: {len(pods)}"
    for pod in pods:
        addresses = (format_address(family, address) for family, address in pod.addresses)
        yield f"  {pod.namespace}/{pod.name} {' '.join(addresses)}"
