"""Counts of rulesets as a table for people, or as facts for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from ...backends.ruleset_size import RulesetSize
from ...backends.walk import Cost

_MOST_LINES = 20
_COUNTS = ("rules", "chains", "sets", "maps", "anonymous", "elements")
_COSTS: Sequence[tuple[str, Callable[[Cost], float]]] = (
    ("rules, worst", lambda cost: cost.worst_rules),
    ("rules, mean", lambda cost: cost.mean_rules),
    ("look-ups, worst", lambda cost: cost.worst_lookups),
    ("look-ups, mean", lambda cost: cost.mean_lookups),
)


@dataclass(frozen=True, slots=True)
class Line:
    """What new connections from (egress) or to (ingress) a pod meet."""

    pod: str
    direction: str
    cost: Cost


@dataclass(frozen=True, slots=True)
class Stats:
    """A node's ruleset at one optimisation level."""

    node: str
    level: int
    size: RulesetSize
    lines: tuple[Line, ...]


def as_facts(levels: Iterable[Stats]) -> list[dict[str, object]]:
    """Return everything, an object for each level, as JSON has it."""
    return [asdict(item) for item in levels]


def as_table(levels: Sequence[Stats]) -> str:
    """Return the sizes, the means over pods, and the pods whose connections meet most."""
    parts = [_sizes(levels), _summary(levels), _pods(levels)]
    tables = [_align(rows) for rows in parts if len(rows) > 1]
    if not levels[0].lines:
        tables.append("no connection is judged: the node has no endpoint\n")
    return "\n".join(tables)


Rows = list[tuple[str, ...]]


def _heads(levels: Sequence[Stats]) -> list[str]:
    return [f"-O{item.level}" for item in levels]


def _sizes(levels: Sequence[Stats]) -> Rows:
    rows: Rows = [(f"node {levels[0].node}", *_heads(levels))]
    for name in _COUNTS:
        rows.append((name, *(f"{getattr(item.size, name):,}" for item in levels)))
    memory = (f"{item.size.kernel_bytes / 1000:,.0f} kB" for item in levels)
    return [*rows, ("kernel memory, about", *memory)]


def _summary(levels: Sequence[Stats]) -> Rows:
    """Return, for each direction, the worst of all pods and the mean over them."""
    rows: Rows = [("all pods", *_heads(levels))]
    for direction in dict.fromkeys(line.direction for line in levels[0].lines):
        for index, (name, value) in enumerate(_COSTS):
            cells = []
            for item in levels:
                values = [value(line.cost) for line in item.lines if line.direction == direction]
                over = max(values) if index % 2 == 0 else sum(values) / len(values)
                cells.append(_number(over))
            rows.append((f"{direction}: {name}", *cells))
    return rows


def _pods(levels: Sequence[Stats]) -> Rows:
    first, *others = (item.lines for item in levels)
    by_place = [dict(zip(_places(lines), lines, strict=True)) for lines in others]
    names = [name for name, _ in _COSTS]
    rows: Rows = [
        ("pod", "", *(f"{name} {head}" for name in names for head in _heads(levels))),
    ]
    worst = sorted(first, key=lambda line: (-line.cost.mean_rules, line.pod, line.direction))
    for line in worst[:_MOST_LINES]:
        beside = [lines[line.pod, line.direction] for lines in by_place]
        costs = [item.cost for item in (line, *beside)]
        cells = (_number(value(cost)) for _, value in _COSTS for cost in costs)
        rows.append((line.pod, line.direction, *cells))
    if len(worst) > _MOST_LINES:
        left = f"... {len(worst) - _MOST_LINES} more that meet less; --json has all"
        rows.append((left,))
    return rows


def _places(lines: Iterable[Line]) -> list[tuple[str, str]]:
    return [(line.pod, line.direction) for line in lines]


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _align(rows: Rows) -> str:
    columns = len(rows[0])
    whole = [row for row in rows if len(row) == columns]
    widths = [max(len(row[column]) for row in whole) for column in range(columns)]
    return "".join(
        "  ".join(
            cell.ljust(width)
            if column == 0 or (column == 1 and rows[0][1] == "")
            else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        + "\n"
        for row in rows
    )
