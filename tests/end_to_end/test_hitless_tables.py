"""No packet is lost or leaks while rules of iptables move from one table to another."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from cnpc.backends.iptables.node.tools import FLAVOURS
from cnpc.backends.iptables.render import Iptables
from cnpc.backends.nftables.plan import PlanKind
from cnpc.compiler.ir.program import Program
from cnpc.compiler.options import DenyWith
from end_to_end.test_hitless import under_traffic
from engines import kernel_engine
from own_rules import applied_earlier
from rulesets import changed, program, trio_of
from worlds import LARGE, seeded

pytestmark = [pytest.mark.requires_root_and_nft, pytest.mark.usefixtures("space")]

_VERSIONS = 8
_UPDATES = 50


def versions(random: Random) -> dict[DenyWith, list[Program]]:
    """Return programs of one node that drop, and those of the same policies that reject."""
    worlds = [list(seeded(3, LARGE).objects())]
    while len(worlds) < _VERSIONS:
        worlds.append(changed(worlds[0], random))
    node = program(worlds[0]).node
    return {
        way: [program(documents, node, Iptables, deny_with=way) for documents in worlds]
        for way in DenyWith
    }


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_no_move_from_the_table_of_an_earlier_version_loses_or_leaks_a_packet(
    tmp_path: Path, flavour: str
) -> None:
    random = Random(3)  # noqa: S311 - reproducible, not secret
    programs = versions(random)[DenyWith.DROP]
    rulesets = [trio_of(item) for item in programs]
    engine = kernel_engine(f"iptables-{flavour}", tmp_path)

    def update(number: int) -> PlanKind:
        applied_earlier(random.choice(rulesets), flavour, tmp_path)
        return engine.apply(rulesets[number]).plan.kind

    assert under_traffic(programs, random, update, _UPDATES).keys() == {PlanKind.REPLACE}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_no_update_of_what_rejects_loses_or_leaks_a_packet(tmp_path: Path, flavour: str) -> None:
    """Now and then, one that drops comes instead, which is in another table."""
    random = Random(6)  # noqa: S311 - reproducible, not secret
    programs = versions(random)
    rulesets = {way: [trio_of(item) for item in found] for way, found in programs.items()}
    engine = kernel_engine(f"iptables-{flavour}", tmp_path)

    def update(number: int) -> PlanKind:
        way = DenyWith.DROP if random.random() < 0.3 else DenyWith.REJECT
        return engine.apply(rulesets[way][number]).plan.kind

    assert PlanKind.RULES in under_traffic(programs[DenyWith.DROP], random, update, _UPDATES)
