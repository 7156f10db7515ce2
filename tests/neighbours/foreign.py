"""The rules of a network namespace that are not cnpc's, as text that shows every change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from netcluster import Namespace

_OWN = re.compile(r"\b(?:cnpc|CNPC)\b")
_OWN_TABLE = re.compile(r"table inet cnpc\b")
_OWN_CHAIN = re.compile(r"\tchain CNPC-")
_COUNTS = re.compile(r"counter packets \d+ bytes \d+|\[\d+:\d+\]|# (?:Generated|Completed).*")
_EMPTY_CHAIN = re.compile(r"\tchain [A-Z]+ \{ # handle \d+\n\t\ttype [^\n]*policy accept;\n\t\}\n")
_LEGACY = {"iptables": "ip_tables_names", "ip6tables": "ip6_tables_names"}


def foreign_rules(space: Namespace) -> str:
    """Return tables, chains and rules with their handles, but for what cnpc made and counters.

    Tables and base chains without rules are left out: iptables makes them for whoever comes.
    """
    listing = space.run(("nft", "-a", "-s", "list", "ruleset"))
    tables = [_foreign_part(table) for table in _blocks(listing)]
    return "".join([*filter(None, tables), *_legacy_rules(space)])


def _blocks(listing: str) -> Iterator[str]:
    """Give the tables of a listing, each as one text."""
    block: list[str] = []
    for line in listing.splitlines(keepends=True):
        block.append(line)
        if line == "}\n":
            yield "".join(block)
            block.clear()


def _foreign_part(table: str) -> str:
    """Return a table without chains and rules of cnpc; "" if nothing is left of it."""
    if _OWN_TABLE.match(table):
        return ""
    head, *body, end = table.splitlines(keepends=True)
    kept, own = [], False
    for line in body:
        if line.startswith("\tchain "):
            own = _OWN_CHAIN.match(line) is not None
        if not own and not _OWN.search(line) and line != "\n":
            kept.append(line)
    chains = _EMPTY_CHAIN.sub("", _COUNTS.sub("", "".join(kept)))
    return head + chains + end if chains else ""


def _legacy_rules(space: Namespace) -> Iterator[str]:
    for program, names in _LEGACY.items():
        with space.entered():
            tables = Path("/proc/net", names)
            used = tables.read_text().split() if tables.exists() else []
        for table in sorted(used):  # listing any other would make it
            saved = space.run((f"{program}-legacy-save", "-t", table))
            lines = [line for line in saved.splitlines(keepends=True) if not _OWN.search(line)]
            text = _COUNTS.sub("", "".join(lines))
            if "\n-A " in text:
                yield f"{program} {text}"
