"""What a compilation made, as a table for people, or as facts for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import asdict

from ...errors import Diagnostic
from .explain_pruned import Explained
from .json_output import diagnostics_json
from .messages import count

_HEADINGS = ("node", "endpoints", "policies", "chains", "rules", "sets", "elements", "by map")


class NodeSummary(Struct, frozen=True):
    """One node's line; ``policies`` are those that select an endpoint of it.

    ``judgements`` counts the addresses of endpoints by the directions in which policies judge them,
    and ``by_map`` those for which looking up the peer or the port was found to be quicker than
    rules.
    """

    node: str
    endpoints: int
    policies: int
    chains: int
    rules: int
    sets: int
    elements: int
    by_map: int
    judgements: int


class Summary(Struct, frozen=True):
    """All of it; the counts of the first part are of the whole input.

    ``passed_over`` counts the objects that were not used, by ``apiVersion/kind``.
    """

    namespaces: int
    nodes: int
    endpoints: int
    policies: int
    warnings: tuple[Diagnostic, ...]
    passed_over: Mapping[str, int]
    compiled: tuple[NodeSummary, ...]
    pruned: tuple[Explained, ...] | None


def as_facts(summary: Summary) -> dict[str, object]:
    """Return the summary as JSON has it."""
    pruned = None if summary.pruned is None else [item.facts() for item in summary.pruned]
    return {
        **asdict(summary),
        "warnings": diagnostics_json(summary.warnings),
        "compiled": [asdict(item) for item in summary.compiled],
        "pruned": pruned,
    }


def as_table(summary: Summary, longest: int = 20) -> str:
    """Return the summary in columns; of more than ``longest`` nodes only the largest are shown."""
    shown = summary.compiled
    if len(shown) > longest:
        shown = tuple(sorted(shown, key=lambda item: (-item.rules, item.node))[:longest])
    rows = [_HEADINGS, *(_row(item) for item in shown)]
    if len(summary.compiled) > 1:
        rows.append(_total(summary.compiled))
    lines = _align(rows)
    left_out = len(summary.compiled) - len(shown)
    if left_out:
        lines.insert(-1, f"... {left_out} smaller nodes")
    return "\n".join([_sentence(summary), "", *lines]) + "\n"


def _sentence(summary: Summary) -> str:
    return ", ".join(
        (
            count(summary.policies, "policy", "policies"),
            count(summary.namespaces, "namespace"),
            count(summary.nodes, "node"),
            count(summary.endpoints, "endpoint"),
            count(len(summary.warnings), "warning"),
        )
    )


def _row(item: NodeSummary) -> tuple[str, ...]:
    counts = (item.endpoints, item.policies, item.chains, item.rules, item.sets, item.elements)
    return (item.node, *(f"{count:,}" for count in counts), f"{item.by_map:,}/{item.judgements:,}")


def _total(items: Iterable[NodeSummary]) -> tuple[str, ...]:
    """Return the sums, but not of policies: one policy is in force on many nodes."""
    listed = tuple(items)
    return (
        "all",
        f"{sum(item.endpoints for item in listed):,}",
        "",
        f"{sum(item.chains for item in listed):,}",
        f"{sum(item.rules for item in listed):,}",
        f"{sum(item.sets for item in listed):,}",
        f"{sum(item.elements for item in listed):,}",
        f"{sum(item.by_map for item in listed):,}/{sum(item.judgements for item in listed):,}",
    )


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
