"""The manifests that a command line names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from ..manifests import Inputs, OnUnknown, load
from .ruleset_files import no_rulesets


def read_inputs(paths: Sequence[str], on_unknown: str, stdin: BinaryIO | None = None) -> Inputs:
    """Return what they hold; InputError with all that is wrong, UsageError for rulesets."""
    no_rulesets(paths)
    return load(paths, on_unknown=OnUnknown(on_unknown), stdin=stdin)
