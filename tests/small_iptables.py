"""Small rulesets of iptables: two that differ in rules, chains and sets."""

from __future__ import annotations

from random import Random

from rulesets import changed, trio
from worlds import seeded

WORLD = list(seeded(4).objects())
A = trio(WORLD)
B = next(
    made
    for seed in range(50)
    if (made := trio(changed(changed(WORLD, Random(seed)), Random(-seed)))).layout.families  # noqa: S311 - not secret
    != A.layout.families
    and made.layout.sets.keys() - A.layout.sets.keys()
    and A.layout.families["v4"].keys() - made.layout.families["v4"].keys()
)
