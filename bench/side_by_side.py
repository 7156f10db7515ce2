"""Rulesets side by side in one network namespace, of which one at a time is in force.

What is compared then shares all but itself: the namespace, its devices, its connections. Other
namespaces have other places in the processor's caches, which alone made a tenth of a packet's cost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from netcluster import IPSET_RESTORE, Namespace


class Switch(Protocol):
    """A ruleset that can be put in force and out of it."""

    def load(self, space: Namespace) -> None:
        """Load it, not in force; ClusterError with the tool's message if it is refused."""

    def turn(self, space: Namespace, *, on: bool) -> None:
        """Put it in force, or out of it."""


class NoRuleset:
    """Nothing at all."""

    def load(self, space: Namespace) -> None:
        """Do nothing."""

    def turn(self, space: Namespace, *, on: bool) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class NftTable:
    """A table under a name of its own; out of force it is dormant, and has no hooks."""

    name: str
    text: str

    def load(self, space: Namespace) -> None:
        """Load the table, whatever the text calls it."""
        own = self.text.replace("table inet cnpc", f"table inet {self.name}")
        space.run(("nft", "-f", "-"), own)
        self.turn(space, on=False)

    def turn(self, space: Namespace, *, on: bool) -> None:
        """Set or clear the flag ``dormant`` (nft(8), TABLES)."""
        flags = "" if on else "flags dormant;"
        space.run(("nft", f"table inet {self.name} {{ {flags} }}"))


@dataclass(frozen=True, slots=True)
class IptablesChains:
    """What the backend iptables makes, under chain names that begin otherwise than CNPC."""

    flavour: str
    prefix: str
    texts: Mapping[str, str]

    def load(self, space: Namespace) -> None:
        """Load the sets and the chains for IPv4."""
        space.run(IPSET_RESTORE, self.texts["ipset"])
        for table, hook in product(self._tables(), ("FORWARD", "INPUT")):
            space.run((*self._command(table, "-N"), f"{self.prefix}-{hook}"))
            space.run((*self._command(table, "-I"), hook, "-j", f"{self.prefix}-{hook}"))
        text = self.texts["v4"].replace("CNPC-", f"{self.prefix}-")
        space.run((f"iptables-{self.flavour}-restore", "--noflush"), text)
        self.turn(space, on=False)

    def turn(self, space: Namespace, *, on: bool) -> None:
        """Let the host's chains lead to them, or not."""
        verb = "-I" if on else "-D"
        for table in self._tables():
            space.run((*self._command(table, verb), "FORWARD", "-j", f"{self.prefix}-FORWARD"))

    def _tables(self) -> Sequence[str]:
        named = re.findall(r"^\*(\w+)$", self.texts["v4"], re.MULTILINE)
        return tuple(dict.fromkeys(named))

    def _command(self, table: str, verb: str) -> Sequence[str]:
        return (f"iptables-{self.flavour}", "-t", table, verb)


def chains(flavour: str, texts: Mapping[str, Mapping[str, str]]) -> Mapping[str, IptablesChains]:
    """Return rulesets of a flavour by name, each with chain names of its own."""
    return {
        name: IptablesChains(flavour, f"T{number}", own)
        for number, (name, own) in enumerate(texts.items())
    }
