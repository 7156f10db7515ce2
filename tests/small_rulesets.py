"""Small rulesets of nftables: three that differ, and one that the kernel refuses."""

from __future__ import annotations

from random import Random

from cnpc.backends.nftables.node.dataplane import ruleset_source
from rulesets import changed, ruleset
from worlds import seeded

WORLD = list(seeded(4).objects())
A = ruleset_source(ruleset(WORLD))
B = next(
    made
    for seed in range(50)
    if (made := ruleset_source(ruleset(changed(WORLD, Random(seed))))).layout != A.layout  # noqa: S311 - not secret
)


C = ruleset_source(A.texts["nft"].replace(" accept\n", " counter accept\n"))
REFUSED = ruleset_source(
    A.texts["nft"].replace("\t\tct state established accept\n", "\t\tgoto nowhere\n", 1)
)
