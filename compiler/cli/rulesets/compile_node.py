"""Manifests as the ruleset of one node: what ``apply`` compiles before it loads."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from ....backends.registry import BACKENDS, passes_of
from ...pipeline import Pipeline
from ..inputs import read_inputs, this_node
from ..node.options import Choices
from ..output.diagnostics import report_warnings
from .header import Compilation
from .node_ruleset import build_ruleset


def compiled(
    paths: Sequence[str], stdin: bytes, choices: Choices, backend_name: str
) -> Mapping[str, str]:
    """Return the texts; InputError with all that is wrong, UsageError without a node's name."""
    backend = BACKENDS[backend_name]()
    inputs = read_inputs(paths, choices.on_unknown, io.BytesIO(stdin))
    passes = passes_of(backend)
    pipeline = Pipeline(inputs.snapshot, inputs.policies, choices.options, choices.level, passes)
    report_warnings(inputs, pipeline.resolver, choices.max_errors)
    node = this_node(pipeline.resolver.node_names(), choices.node)
    about = Compilation(inputs.snapshot, len(inputs.policies), choices.options, choices.level)
    return build_ruleset(pipeline, backend, about, node).texts
