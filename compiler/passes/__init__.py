"""Passes: pure functions Program → Program, one a file; PASSES gives what runs, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..ir import Program
from .dispatch import dispatch
from .drop_empty import drop_empty
from .merge import merge
from .prune import prune
from .share import share

Pass = Callable[[Program], Program]

PASSES: Mapping[int, tuple[Pass, ...]] = {
    0: (),
    1: (merge, prune, drop_empty, share),
    2: (merge, prune, drop_empty, share, dispatch),
}
"""The passes of each optimisation level. The level 0 keeps one rule per policy rule, as written."""

DEFAULT_LEVEL = max(PASSES)
