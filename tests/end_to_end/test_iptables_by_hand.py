"""The commands of docs/iptables.md, as somebody types them on a node without cnpc."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from cnpc.backends.apply.dataplane import RulesetSource
from cnpc.backends.iptables.names import TABLES
from cnpc.backends.iptables.node.tools import system_tools
from cnpc.backends.iptables.ruleset import IptablesRuleset
from cnpc.compiler.options import DenyWith
from netcluster.namespaces import run
from own_rules import alone, ours
from rulesets import earlier, trio
from worlds import seeded

pytestmark = [pytest.mark.requires_root_and_nft, pytest.mark.usefixtures("space")]

PAGE = (Path(__file__).parents[2] / "docs/iptables.md").read_text()
FIRST, LOAD, REMOVE = (
    textwrap.dedent(block)
    for block in re.findall(r"(?:^    .*\n)+", PAGE, re.MULTILINE)
    if " ipset " in block or "-N CNPC-" in block
)
ALL_TABLES = f"in {' '.join(TABLES)};"
WORLD = list(seeded(4).objects())


def shell(script: str, folder: Path) -> None:
    run(("sh", "-ec", f"cd {folder}\n{script}"))


def load(made: RulesetSource[IptablesRuleset], folder: Path) -> None:
    for suffix, text in made.texts.items():
        (folder / f"NODE.{suffix}").write_text(text)
    shell(FIRST, folder)
    shell(LOAD, folder)


@pytest.mark.parametrize("deny_with", DenyWith)
def test_what_is_typed_loads_moves_and_removes(tmp_path: Path, deny_with: DenyWith) -> None:
    made, flavour = trio(WORLD, deny_with=deny_with), system_tools().flavour
    for _ in range(2):
        load(made, tmp_path)
        assert ours(flavour) == alone(flavour, made)
    shell(REMOVE, tmp_path)
    assert not ours(flavour)
    load(earlier(made), tmp_path)
    load(made, tmp_path)
    unused = [table for table in TABLES if table not in made.layout.tables]
    assert ALL_TABLES in REMOVE
    loop = REMOVE.replace(ALL_TABLES, f"in {' '.join(unused)};").rpartition("ipset -name")[0]
    shell(loop, tmp_path)
    assert ours(flavour) == alone(flavour, made)
