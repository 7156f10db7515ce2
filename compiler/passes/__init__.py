"""Passes: pure functions Program → Program, one a file; PASSES gives those that run, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..ir.program import Program
from .compact_sets import compact
from .deduplicate import share
from .drop_empty import drop_empty
from .merge_rules import merge
from .peer_maps.rewrite import dispatch
from .port_maps import by_port
from .prune import prune

Pass = Callable[[Program], Program]

PassLevels = Mapping[int, tuple[Pass, ...]]

PASSES: PassLevels = {
    0: (),
    1: (compact, merge, prune, drop_empty, share),
    2: (compact, merge, prune, drop_empty, share, dispatch, by_port),
}
"""The passes of each optimisation level."""
