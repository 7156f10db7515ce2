"""The straight line from what was read to the Program of each node."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .ir.program import Program
from .ir.verifier import verify
from .lowering.program import Lowering
from .model.policy import Policy
from .model.resolver import Resolver
from .model.snapshot import Endpoint, Snapshot
from .options import DEFAULT_LEVEL, Options
from .passes import PASSES, PassLevels
from .passes.prune import Pruning, prune, pruned

Watch = Callable[[str, Program], None]
"""Called with a stage's name and what the program is after it."""


_FIRST_STAGE = "lower"


def stages(level: int, passes: PassLevels = PASSES) -> tuple[str, ...]:
    """Return the names of the stages of a level that a watcher is told of, in order."""
    return (_FIRST_STAGE, *(run.__name__ for run in passes[level]))


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
        passes: PassLevels = PASSES,
    ) -> None:
        """Take policies in the order in which they judge within their tiers."""
        self.resolver = Resolver(snapshot)
        self._policies = policies
        self._lowering = Lowering(self.resolver, policies, options)
        self._passes = passes[level]

    def pods(self, node: str) -> tuple[Endpoint, ...]:
        """Return the endpoints of the node, in the order of the snapshot."""
        endpoints = self.resolver.snapshot.endpoints
        return tuple(endpoints[position] for position in self.resolver.local(node))

    def in_force(self, node: str) -> tuple[Policy, ...]:
        """Return the policies that select an endpoint of the node, in the order of policies."""
        positions = self.resolver.local(node)
        numbers = {number for here in positions for number in self._lowering.policies_of(here)}
        return tuple(self._policies[number] for number in sorted(numbers))

    def program(self, node: str, watch: Watch = _ignore) -> Program:
        """Return the node's program after all passes of the level."""
        program = self._lowering.program(node)
        watch(_FIRST_STAGE, program)
        for run in self._passes:
            program = run(program)
            watch(run.__name__, program)
        return program

    def prunings(self, node: str) -> tuple[Pruning, ...]:
        """Return what the level's pruning drops from the node's program, if it prunes."""
        found: list[Pruning] = []
        program = self._lowering.program(node)
        for run in self._passes:
            before, program = program, run(program)
            if run is prune:
                found.append(Pruning(before, program, pruned(before)))
        return tuple(found)


def checked(_stage: str, program: Program) -> None:
    """Watch for invalid programs; AssertionError names what is wrong (a bug, not an input)."""
    problems = verify(program)
    if problems:
        raise AssertionError("; ".join(problems))
