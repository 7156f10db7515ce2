"""What the tables of iptables have of ours, of either flavour; to look makes no table."""

from __future__ import annotations

from dataclasses import replace

from . import iptables_tools as tools
from .iptables_legacy import has_legacy_filter
from .iptables_names import FAMILIES
from .iptables_nft import own_by_kernel
from .iptables_saved import Saved, read_saved


def own(one: tools.Tools) -> dict[str, Saved]:
    """Return what a flavour has, by family; the rules of iptables-nft as digests.

    NodeError where it cannot be listed.
    """
    return {family: _own(one, family) for family in FAMILIES}


def own_texts(one: tools.Tools) -> dict[str, Saved]:
    """Return the same with the texts of rules, by which they can be loaded again."""
    return {family: _texts(one, family) for family in FAMILIES}


def _texts(one: tools.Tools, family: str) -> Saved:
    """Return those of one family, chain by chain where the table as a whole is not listed."""
    try:
        return read_saved(one.save(family))
    except tools.UnlistedError:
        if one.flavour != "nft":
            raise
        seen = own_by_kernel(family)
        return replace(seen, chains={name: one.rules(family, name) for name in seen.chains})


def _own(one: tools.Tools, family: str) -> Saved:
    if one.flavour == "nft":
        return own_by_kernel(family)
    return read_saved(one.save(family) if has_legacy_filter(family) else "")
