"""What the tables of iptables have of ours, of either flavour; to look makes no table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from . import tools
from .active import nft_tables
from .legacy import legacy_tables
from .nft_flavour import own_by_kernel
from .saved import NOTHING, Saved, read_saved
from .tools import Where


def own(one: tools.Tools) -> dict[Where, Saved]:
    """Return what a flavour has in each table there is; the rules of iptables-nft as digests.

    NodeError where it cannot be listed.
    """
    return {where: own_where(one, where) for where in _tables(one)}


def own_where(one: tools.Tools, where: Where) -> Saved:
    """Return the same of one table, nothing where that is not."""
    if one.flavour == "nft":
        return own_by_kernel(*where)
    family, table = where
    return read_saved(one.save(family, table)) if table in legacy_tables(family) else NOTHING


def own_texts(one: tools.Tools) -> dict[Where, Saved]:
    """Return the same with the texts of rules, by which they can be loaded again."""
    return {where: _texts(one, where) for where in _tables(one)}


def _tables(one: tools.Tools) -> Iterator[Where]:
    tables = legacy_tables if one.flavour == "legacy" else nft_tables
    return ((family, table) for family in one.families for table in tables(family))


def _texts(one: tools.Tools, where: Where) -> Saved:
    """Return those of one table, chain by chain where it is not listed as a whole."""
    try:
        return read_saved(one.save(*where))
    except tools.UnlistedError:
        if one.flavour != "nft":
            raise
        seen = own_by_kernel(*where)
        return replace(seen, chains={name: one.rules(*where, name) for name in seen.chains})
