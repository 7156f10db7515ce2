"""What the tables of iptables-nft have of ours, from the kernel without a program.

iptables-nft-save prints nothing of a table that holds a rule which iptables has no words for. The
kernel shows all (linux/netfilter/nf_tables.h).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ....compiler.errors import NodeError
from ...linux import netlink
from ...linux.netlink import attributes, name_in, walk
from ..names import HOOKS, OWN
from .active import NFT_FAMILIES, nft_tables
from .saved import NOTHING, Jumps, Saved

_RULE_CHAIN, _RULE_EXPRESSIONS, _RULE_USERDATA = 2, 4, 7
_NAME, _DATA = 1, 2  # NFTA_EXPR_*
_IMMEDIATE_DATA, _DATA_VERDICT, _VERDICT_CODE, _VERDICT_CHAIN = 2, 2, 1, 2
_COUNTER, _IMMEDIATE = b"counter\0", b"immediate\0"
_JUMP = (-3).to_bytes(4, "big", signed=True)  # NFT_JUMP


@dataclass(frozen=True, slots=True)
class _Rule:
    chain: str
    text: str
    """A digest of all but its counters."""
    target: str
    """The chain that it leads to."""
    plain: bool
    """Whether it is a jump without any condition."""


def own_by_kernel(family: str, table: str) -> Saved:
    """Return our chains in a table, with a digest for each rule, and who leads there.

    NodeError where somebody changes them all the time.
    """
    if table not in nft_tables(family):
        return NOTHING
    number = NFT_FAMILIES[family]
    found = netlink.calmly(
        lambda: _saved(netlink.chains(table, number), map(_rule, netlink.rules(table, number)))
    )
    if found is None:
        raise NodeError("others change the rules of iptables all the time; try again")
    return found


def _saved(names: Iterable[str], rules: Iterable[_Rule]) -> Saved:
    chains: dict[str, list[str]] = {name: [] for name in names if name.startswith(OWN)}
    begun: set[str] = set()
    first: set[str] = set()
    numbers = dict.fromkeys(HOOKS, 0)
    held: set[str] = set()
    for rule in rules:
        if rule.chain in chains:
            chains[rule.chain].append(rule.text)
        elif rule.plain and rule.target == f"{OWN}{rule.chain}" and rule.chain in numbers:
            numbers[rule.chain] += 1
            first |= {rule.chain} - begun
        elif rule.target in chains:
            held.add(rule.target)
        begun.add(rule.chain)
    jumps = {hook: Jumps(numbers[hook], first=hook in first) for hook in HOOKS}
    return Saved({name: tuple(texts) for name, texts in chains.items()}, jumps, frozenset(held))


def _rule(found: Mapping[int, bytes]) -> _Rule:
    digest = hashlib.blake2b(found.get(_RULE_USERDATA, b""), digest_size=16)  # the comment
    target, plain = "", True
    for name, data in _expressions(found.get(_RULE_EXPRESSIONS, b"")):
        if name == _COUNTER:
            continue
        digest.update(name + data)
        verdict = _verdict(data) if name == _IMMEDIATE else {}
        target = name_in(verdict.get(_VERDICT_CHAIN, b"")) or target
        plain = plain and verdict.get(_VERDICT_CODE) == _JUMP
    return _Rule(name_in(found[_RULE_CHAIN]), digest.hexdigest(), target, plain)


def _expressions(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the data of each."""
    for _, element in walk(data):
        parts = attributes(element)
        yield parts[_NAME], parts.get(_DATA, b"")


def _verdict(data: bytes) -> Mapping[int, bytes]:
    value = attributes(attributes(data).get(_IMMEDIATE_DATA, b""))
    return attributes(value.get(_DATA_VERDICT, b""))
