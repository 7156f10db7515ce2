"""What the kernel's iptables and ipset have of ours."""

from __future__ import annotations

import re
from pathlib import Path

from cnpc.backends.apply.dataplane import RulesetSource
from cnpc.backends.apply.record import KernelState, Record
from cnpc.backends.apply.store import Store
from cnpc.backends.iptables.names import FAMILIES
from cnpc.backends.iptables.node.generation import IptablesGenerationCheck
from cnpc.backends.iptables.node.own_rules import own
from cnpc.backends.iptables.node.saved import NOWHERE, change
from cnpc.backends.iptables.node.tools import PROGRAM, tools_of
from cnpc.backends.iptables.ruleset import IptablesRuleset
from cnpc.backends.linux.netlink import netns_id
from netcluster import IptablesLoader, Namespace
from netcluster.namespaces import run
from rulesets import earlier

_OURS = re.compile(r" cnpc-|:CNPC-|-[AjgI] CNPC-")


def lines(*argv: str) -> list[str]:
    """Return what a command prints, without comments."""
    return [line for line in run(argv).splitlines() if not line.startswith("#")]


def ours(flavour: str) -> dict[str, list[str]]:
    """Return what a flavour has of ours, without counters and the seeds of sets."""
    tools = tools_of(flavour)
    found = {
        f"{PROGRAM[family]}-{flavour} -t {table}": lines(
            f"{PROGRAM[family]}-{flavour}-save", "-t", table
        )
        for family, table in (own(tools) if tools else ())
    }
    found["sets"] = sorted(line.split(" initval")[0] for line in lines("ipset", "save"))
    mine = {name: [item for item in all_ if _OURS.search(item)] for name, all_ in found.items()}
    return {name: found for name, found in mine.items() if found}


def alone(flavour: str, ruleset: RulesetSource[IptablesRuleset]) -> dict[str, list[str]]:
    """Return what there is where the texts were loaded by hand into an empty namespace."""
    space = Namespace()
    try:
        with space.entered():
            IptablesLoader(flavour).load(ruleset.texts)
            return ours(flavour)
    finally:
        space.close()


def applied_earlier(made: RulesetSource[IptablesRuleset], flavour: str, folder: Path) -> None:
    """Have the ruleset in force and noted as the version of cnpc did that knew filter alone."""
    old = earlier(made)
    IptablesLoader(flavour).load(old.texts)
    tools = tools_of(flavour)
    assert tools
    for (family, table), saved in own(tools).items():
        if saved and table != "filter":
            tools.restore(family, change(table, saved, {}, saved.chains, NOWHERE))
    state, signs = Store(folder), IptablesGenerationCheck(flavour, FAMILIES)
    sets = {"sets": signs.contents()["sets"]}
    kernel = KernelState(
        place=netns_id(), generation=signs.generation(), structure="of filter", contents=sets
    )
    with state.lock(lambda: None):
        state.write(Record(current=state.keep("iptables", old.texts), kernel=kernel))
