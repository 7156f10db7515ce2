"""What shows changes of iptables and ipset without a listing of rules or entries."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ...apply.record import KernelState
from ...linux import netlink
from ..names import BACKEND, TABLES
from . import active as iptables_presence
from . import tools
from .legacy import legacy_generation

_LOOKED_AT = "tables"


@dataclass(frozen=True, slots=True)
class IptablesGenerationCheck:
    """A number for the rules of a flavour, and how many entries each set of ours has."""

    flavour: str
    families: tuple[str, ...]
    """Those that the node has."""
    backend = BACKEND

    def netns_id(self) -> str:
        """Return what names this boot of this network namespace."""
        return netlink.netns_id()

    def is_unchanged(self, kernel: KernelState) -> bool:
        """Tell whether rules are untouched, and sets as many, each with as many entries."""
        if kernel.generation is None or self.contents() != kernel.contents:
            return False
        return self.generation() == kernel.generation and self.judges()

    def judges(self) -> bool:
        """Tell whether packets come to rules of ours."""
        return f"iptables-{self.flavour}" in iptables_presence.where_active()

    def generation(self) -> int | None:
        """Return a number that changes with the rules of anybody, which costs little to ask for."""
        return legacy_generation() if self.flavour == "legacy" else netlink.generation()

    def contents(self) -> dict[str, str]:
        """Return a digest of what sets of ours there are, and the tables that have been looked at.

        Of a set, that is how many entries it has, but for those that the node fills, which have a
        timeout.
        """
        lines = (
            f"{name} {what} {'' if ' timeout ' in what else entries}"
            for name, (what, entries) in sorted(tools.ipset_headers().items())
        )
        return {
            "sets": digest("\n".join(lines)),
            "families": " ".join(self.families),
            _LOOKED_AT: " ".join(TABLES),
        }

    def knows_tables(self, kernel: KernelState) -> bool:
        """Tell whether a version of cnpc noted it that looks at the tables that this one does."""
        return kernel.contents.get(_LOOKED_AT) == " ".join(TABLES)


def digest(text: str) -> str:
    """Return what a listing is known by."""
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=16).hexdigest()


def system_generation_check() -> IptablesGenerationCheck:
    """Return the signs of what the system means by iptables; NodeError where it lacks a part."""
    system = tools.system_tools()
    return IptablesGenerationCheck(system.flavour, system.families)
