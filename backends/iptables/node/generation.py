"""What shows changes of iptables and ipset without a listing of rules."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from ...apply.record import KernelState
from ...linux import netlink
from ..names import BACKEND, TABLES
from . import active as iptables_presence
from . import tools
from .legacy import legacy_generation

_LOOKED_AT = "tables"
_OUTLOOK = f"{' '.join(TABLES)}, entries"
"""What is looked at: a record of a version that looks at less says so."""
_ENTRIES = "entries "


@dataclass(frozen=True, slots=True)
class IptablesGenerationCheck:
    """A number for the rules of a flavour, and the entries of each set of ours."""

    flavour: str
    families: tuple[str, ...]
    """Those that the node has."""
    backend = BACKEND

    def netns_id(self) -> str:
        """Return what names this boot of this network namespace."""
        return netlink.netns_id()

    def is_unchanged(self, kernel: KernelState) -> bool:
        """Tell whether rules are untouched, and sets have the same entries."""
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
        """Return `headers`, and a digest of each set's entries, but for sets that the node fills.

        Those have a timeout.
        """
        saved, headers = tools.ipset_saved(), tools.ipset_headers()
        fixed = (name for name, (what, _) in headers.items() if " timeout " not in what)
        entries = {f"{_ENTRIES}{n}": digest("\n".join(sorted(saved.get(n, ())))) for n in fixed}
        return {**self._described(headers), **entries}

    def headers(self) -> dict[str, str]:
        """Return a digest of the sets of ours and their sizes, and what has been looked at."""
        return self._described(tools.ipset_headers())

    def _described(self, headers: Mapping[str, tuple[str, int]]) -> dict[str, str]:
        lines = (
            f"{name} {what} {'' if ' timeout ' in what else entries}"
            for name, (what, entries) in sorted(headers.items())
        )
        return {
            "sets": digest("\n".join(lines)),
            "families": " ".join(self.families),
            _LOOKED_AT: _OUTLOOK,
        }

    def has_sets_of(self, kernel: KernelState, *, wholly: bool) -> bool:
        """Tell whether the sets are as they were; not ``wholly``, by their sizes alone."""
        if wholly:
            return self.contents() == kernel.contents
        return self.headers().items() <= kernel.contents.items()

    def other_sets(self, kernel: KernelState) -> tuple[str, ...]:
        """Return which sets came, went or have other entries; "sets" if anything else changed."""
        now = self.contents()
        names = (key for key in {*now, *kernel.contents} if key.startswith(_ENTRIES))
        changed = (key for key in names if now.get(key) != kernel.contents.get(key))
        named = tuple(sorted(f"set {key.removeprefix(_ENTRIES)}" for key in changed))
        return named or (("sets",) if now["sets"] != kernel.contents.get("sets") else ())

    def knows_as_much(self, kernel: KernelState) -> bool:
        """Tell whether a version of cnpc noted it that looks at all that this one does."""
        return kernel.contents.get(_LOOKED_AT) == _OUTLOOK


def digest(text: str) -> str:
    """Return what a listing is known by."""
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=16).hexdigest()


def system_generation_check() -> IptablesGenerationCheck:
    """Return the signs of what the system means by iptables; NodeError where it lacks a part."""
    system = tools.system_tools()
    return IptablesGenerationCheck(system.flavour, system.families)
