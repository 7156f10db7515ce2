"""A node's ruleset with its header and digest: what is written to files, and loaded."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ....backends.base import Backend, Size
from ...ir.program import Program
from ...pipeline import Pipeline
from .digest_line import with_digest
from .header import Compilation, header


class NodeRuleset(Struct, frozen=True):
    """What a node loads: its texts by suffix, and what they were made of."""

    program: Program
    policies: int
    """How many policies are in force on the node."""
    texts: Mapping[str, str]
    size: Size


def build_ruleset(
    pipeline: Pipeline, backend: Backend, compilation: Compilation, node: str
) -> NodeRuleset:
    """Return the ruleset of one of the pipeline's nodes."""
    in_force = pipeline.in_force(node)
    lines = header(node, compilation, in_force, pipeline.pods(node))
    program = pipeline.program(node)
    built = backend.build(program, lines)
    return NodeRuleset(program, len(in_force), with_digest(built.texts), built.size)
