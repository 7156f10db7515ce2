"""Passes: pure functions Program → Program, one a file; PASSES gives what runs, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..ir import Program
from .by_port import by_port
from .compact import compact
from .dispatch import dispatch
from .drop_empty import drop_empty
from .merge import merge
from .name_denials import name_denials
from .prune import prune
from .share import share
from .split_ports import split_ports

Pass = Callable[[Program], Program]

PassLevels = Mapping[int, tuple[Pass, ...]]

PASSES: PassLevels = {
    0: (),
    1: (compact, merge, prune, drop_empty, share),
    2: (compact, merge, prune, drop_empty, share, dispatch, by_port),
}
"""The passes of each optimisation level."""

PASSES_WITHOUT_MAPS: PassLevels = {
    0: (),
    1: (compact, merge, prune, drop_empty, share),
    2: (compact, merge, prune, name_denials, drop_empty, share, split_ports),
}
"""The same for packet filters that have no verdict maps, where a tree of chains stands for one."""
