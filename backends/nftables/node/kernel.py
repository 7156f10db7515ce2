"""Asks the kernel about the table of cnpc, and commits changes to it.

Text goes through the nftables Python bindings where they and their library are, else through
``nft -f -``. What is asked is asked by netlink (linux/netfilter/nf_tables.h), and only of the own
table, because listing others costs time and crashes some versions of nft.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ....compiler.errors import NodeError
from ...linux import netlink
from ...linux.conntrack import Connection, read_connection
from ...linux.netlink import CONNTRACK, DUMP, NFTABLES, attributes, text_attribute
from ..names import TABLE, short
from ..ruleset import NftRuleset, NftSet
from .client import Nft
from .large_sets import is_large, same_contents

_GET_RULE, _GET_SET, _GET_ELEMENTS = (NFTABLES | message for message in (7, 10, 13))
_GET_CONNECTIONS, _DELETE_CONNECTION = CONNTRACK | 1, CONNTRACK | 2  # IPCTNL_MSG_CT_*
_RULE_CHAIN, _RULE_HANDLE = 2, 3
_SET_NAME, _SET_HANDLE, _SET_COUNT = 2, 16, 20
_LISTED_ELEMENTS = 3  # NFTA_SET_ELEM_LIST_ELEMENTS
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the own table looks like: changed by whoever changes it."""

    structure: str
    """Of the table, its base chains, every rule's handle, every set's size and count."""
    contents: Mapping[str, str]
    """Of the elements of each set and map, by name, but for large ones and what the node fills."""


class NodeKernel(Protocol):
    """What the engine asks of a node; tests have one without a kernel."""

    def netns_id(self) -> str:
        """Return what names this boot of this network namespace."""
        ...

    def commit(self, text: str) -> None:
        """Carry out the text in one transaction; NodeError with nft's words if it is refused."""
        ...

    def check(self, text: str) -> None:
        """Let the kernel judge the text without carrying it out; NodeError if it is refused."""
        ...

    def generation(self) -> int:
        """Return the number that every commit in this namespace, whoever's, makes larger."""
        ...

    def has_table(self, table: str) -> bool:
        """Tell whether a table of the family inet exists."""
        ...

    def fingerprint(
        self, layout: NftRuleset, known: Mapping[str, str] = _NOTHING
    ) -> Fingerprint | None:
        """Return the own table's fingerprint; None if it is not there or lacks objects.

        The elements of what is ``known`` are not listed again.
        """
        ...

    def same_contents(self, layout: NftRuleset) -> bool:
        """Tell whether large sets and maps have the elements that the layout says, and no other."""
        ...

    def changed(self, layout: NftRuleset, contents: Mapping[str, str]) -> tuple[str, ...]:
        """Return the chains with more or fewer rules, and the sets and maps with other elements.

        A chain in which as many rules were exchanged is not among them.
        """
        ...

    def elements(self, table: NftSet) -> tuple[str, ...]:
        """Return the elements that a dynamic set has now, as nft lists them."""
        ...

    def listing(self) -> str:
        """Return the own table as nft lists it, without elements; NodeError if there is none."""
        ...

    def connections(self) -> Iterator[Connection]:
        """Give the connections that are tracked now."""
        ...

    def forget(self, connection: Connection) -> bool:
        """End a connection; False if it is over by itself."""
        ...


_ANONYMOUS = "__"
"""What the kernel begins the names of sets within rules with (nf_tables_api.c)."""


class LinuxKernel:
    """The kernel of the network namespace that this process is in."""

    def __init__(self, nft: Nft) -> None:
        """Give texts to nft in this way."""
        self.nft = nft

    def netns_id(self) -> str:
        """Return what names this boot of this network namespace."""
        return netlink.netns_id()

    def commit(self, text: str) -> None:
        """Carry out the text in one transaction; NodeError with nft's words if it is refused."""
        self.nft.run(text)

    def check(self, text: str) -> None:
        """Let the kernel judge the text without carrying it out; NodeError if it is refused."""
        self.nft.run(text, check=True)

    def generation(self) -> int:
        """Return the number that every commit in this namespace, whoever's, makes larger."""
        return netlink.generation()

    def has_table(self, table: str) -> bool:
        """Tell whether a table of the family inet exists."""
        return bool(netlink.table(short(table)))

    def fingerprint(
        self, layout: NftRuleset, known: Mapping[str, str] = _NOTHING
    ) -> Fingerprint | None:
        """Return the own table's fingerprint; None if it is not there or lacks objects.

        The elements of what is ``known`` are not listed again.
        """
        structure = netlink.calmly(lambda: self._structure(layout))
        if structure is None:
            return None
        contents = {}
        for name, item in layout.sets.items():
            if not item.dynamic and not is_large(item):
                found = known.get(name) or netlink.calmly(partial(self._contents, name))
                if found is None:
                    return None
                contents[name] = found
        return Fingerprint(structure, contents)

    def same_contents(self, layout: NftRuleset) -> bool:
        """Tell whether large sets and maps have the elements that the layout says, and no other."""
        large = (item for item in layout.sets.values() if is_large(item))
        return all(netlink.calmly(partial(self._same, item)) for item in large)

    def changed(self, layout: NftRuleset, contents: Mapping[str, str]) -> tuple[str, ...]:
        """Return the chains with more or fewer rules, and the sets and maps with other elements."""

        def look() -> tuple[str, ...]:
            return (*self._other_chains(layout), *self._other_sets(layout, contents))

        return netlink.calmly(look) or ()

    def _other_chains(self, layout: NftRuleset) -> Iterator[str]:
        rules = Counter(netlink.name_in(chain) for chain, _ in self._rules())
        for name in sorted({*rules, *layout.chains}):
            chain = layout.chains.get(name)
            if rules[name] != (len(chain.rules) if chain else 0):
                yield f"chain {name}"

    def _other_sets(self, layout: NftRuleset, contents: Mapping[str, str]) -> Iterator[str]:
        there = {name for name, _, _ in self._sets() if not name.startswith(_ANONYMOUS)}
        for name in sorted(there - layout.sets.keys()):
            yield f"set {name}"
        for name, item in sorted(layout.sets.items()):
            if name not in there or not self._as_noted(item, contents):
                yield f"{item.kind} {name}"

    def _as_noted(self, item: NftSet, contents: Mapping[str, str]) -> bool:
        """Return whether a set or map has the elements that it was loaded with."""
        if item.dynamic:
            return True
        if is_large(item):
            return self._same(item)
        return self._contents(item.name) == contents.get(item.name)

    def elements(self, table: NftSet) -> tuple[str, ...]:
        """Return the elements that a dynamic set has now, as nft lists them."""
        try:
            listed = self.nft.run(f"list set {TABLE} {table.name}")
        except NodeError:
            return ()
        found = re.search(r"elements = \{(.*?)\}", listed, re.DOTALL)
        return tuple(item.strip() for item in found[1].split(",")) if found else ()

    def listing(self) -> str:
        """Return the own table as nft lists it, without elements; NodeError if there is none."""
        return self.nft.run(f"list table {TABLE}", terse=True)

    def connections(self) -> Iterator[Connection]:
        """Give the connections that are tracked now, in both families."""
        for body in netlink.ask(_GET_CONNECTIONS, b"", DUMP, family=0):
            found = read_connection(body)
            if found is not None:
                yield found

    def forget(self, connection: Connection) -> bool:
        """End a connection; False if it is over by itself."""
        try:
            netlink.ask(_DELETE_CONNECTION, connection.key, family=connection.family)
        except FileNotFoundError:
            return False
        return True

    def _structure(self, layout: NftRuleset) -> str | None:
        table = netlink.table(short(TABLE))
        if not table:
            return None
        whole = hashlib.blake2b(table, digest_size=16)
        for chain in layout.chains.values():
            if chain.hook:
                whole.update(netlink.chain(short(TABLE), chain.name))
        rules = 0
        for chain_name, handle in self._rules():
            whole.update(chain_name + handle)
            rules += 1
        if rules != sum(len(chain.rules) for chain in layout.chains.values()):
            return None
        counts: dict[str, int | None] = {}
        for name, count, body in self._sets():
            known = layout.sets.get(name)
            if known is not None:
                counts[name] = None if known.dynamic else count
            whole.update(name.encode() if known is not None and known.dynamic else body)
        if not _complete(layout, counts):
            return None
        return whole.hexdigest()

    def _contents(self, name: str) -> str | None:
        """Return a digest of the elements; None if there is no such set.

        They come in the order of the kernel's buckets, which nothing but a commit changes as long
        as a hash has a declared size. How many come in one message depends on free memory.
        """
        whole = hashlib.blake2b(digest_size=8)
        try:
            for part in self._listed(name):
                whole.update(part)
        except FileNotFoundError:
            return None
        return whole.hexdigest()

    def _listed(self, name: str) -> Iterator[bytes]:
        """Yield the lists of elements that a set or map has."""
        body = text_attribute(1, short(TABLE)) + text_attribute(2, name)
        for answer in netlink.ask(_GET_ELEMENTS, body, DUMP):
            yield attributes(answer).get(_LISTED_ELEMENTS, b"")

    def _same(self, table: NftSet) -> bool:
        try:
            return same_contents(table, self._listed(table.name))
        except FileNotFoundError:
            return False

    def _rules(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the chain and handle of each rule: a rule that is changed gets a new handle."""
        for body in netlink.ask(_GET_RULE, text_attribute(1, short(TABLE)), DUMP):
            found = attributes(body)
            yield found[_RULE_CHAIN], found[_RULE_HANDLE]

    def _sets(self) -> Iterator[tuple[str, int | None, bytes]]:
        """Yield name, number of elements where the kernel tells it, and all that it says."""
        for body in netlink.ask(_GET_SET, text_attribute(1, short(TABLE)), DUMP):
            found = attributes(body)
            count = found.get(_SET_COUNT)
            name = netlink.name_in(found[_SET_NAME])
            yield name, None if count is None else int.from_bytes(count, "big"), body


def _complete(layout: NftRuleset, counts: dict[str, int | None]) -> bool:
    """Tell whether all sets are there, with as many elements as they should have."""
    if counts.keys() != layout.sets.keys():
        return False
    exact = ((name, item) for name, item in layout.sets.items() if item.exact)
    return all(counts[name] in {None, len(item)} for name, item in exact)
