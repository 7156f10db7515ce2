"""What the kernel's iptables and ipset have of ours."""

from __future__ import annotations

import re

from cnpc.backends.iptables_layout import IptablesLayout
from cnpc.backends.iptables_own import own
from cnpc.backends.iptables_tools import PROGRAM, tools_of
from cnpc.backends.packet_filter import Given
from netcluster import IptablesLoader, Namespace
from netcluster.namespaces import run

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


def alone(flavour: str, ruleset: Given[IptablesLayout]) -> dict[str, list[str]]:
    """Return what there is where the texts were loaded by hand into an empty namespace."""
    space = Namespace()
    try:
        with space.entered():
            IptablesLoader(flavour).load(ruleset.texts)
            return ours(flavour)
    finally:
        space.close()
