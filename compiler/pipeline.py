"""The straight line from what was read to the Program of each node."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .ir import Program
from .lower import Lowering
from .options import Options
from .passes import DEFAULT_LEVEL, PASSES
from .policy import Policy
from .resolve import Resolver
from .snapshot import Snapshot
from .verify import verify

Watch = Callable[[str, Program], None]
"""Called with a stage's name and what the program is after it."""


def _ignore(_stage: str, _program: Program) -> None:
    """Watch nothing."""


class Pipeline:
    """Compiles one cluster for any of its nodes; what nodes have in common is computed once."""

    def __init__(
        self,
        snapshot: Snapshot,
        policies: Sequence[Policy],
        options: Options = Options(),  # noqa: B008 - frozen
        level: int = DEFAULT_LEVEL,
    ) -> None:
        """Take policies in the order in which they judge within their tiers."""
        self.resolver = Resolver(snapshot)
        self.lowering = Lowering(self.resolver, policies, options)
        self._passes = PASSES[level]

    def stages(self) -> tuple[str, ...]:
        """Return the names of the stages that a watcher is told of, in order."""
        return ("lower", *(run.__name__ for run in self._passes))

    def program(self, node: str, watch: Watch = _ignore) -> Program:
        """Return the node's program after all passes of the level."""
        program = self.lowering.program(node)
        watch("lower", program)
        for run in self._passes:
            program = run(program)
            watch(run.__name__, program)
        return program


def checked(_stage: str, program: Program) -> None:
    """Watch for invalid programs; AssertionError names what is wrong (a bug, not an input)."""
    problems = verify(program)
    if problems:
        raise AssertionError("; ".join(problems))
