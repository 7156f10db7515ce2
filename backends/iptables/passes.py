"""The optimization passes for iptables, which has no verdict maps."""

from __future__ import annotations

from ...compiler.passes import PassLevels
from ...compiler.passes.compact_sets import compact
from ...compiler.passes.deduplicate import share
from ...compiler.passes.drop_empty import drop_empty
from ...compiler.passes.merge_rules import merge
from ...compiler.passes.prune import prune
from .lowering.denial_comments import name_denials
from .lowering.port_trees import split_ports

PASSES_WITHOUT_MAPS: PassLevels = {
    0: (),
    1: (compact, merge, prune, drop_empty, share),
    2: (compact, merge, prune, name_denials, drop_empty, share, split_ports),
}
"""The same for packet filters that have no verdict maps, where a tree of chains stands for one."""
