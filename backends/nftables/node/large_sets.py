"""What the kernel lists of large sets and maps of addresses, compared with the ruleset's text.

They are not digested after each load as small ones are, because listing 150,000 elements takes the
kernel 0.3 s. So they are listed only when somebody else has committed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from socket import AF_INET, AF_INET6, inet_pton

from ...linux.netlink import attributes
from ..ruleset import NftSet

_LARGE = 1 << 16
"""Characters of elements: some 4,000 addresses."""
_OF_ADDRESSES = re.compile(r"\t\ttype ipv([46])_addr(?: : verdict)?(?:\n|$)")
_KEY_PLACE = 12  # behind the heads of NFTA_LIST_ELEM, NFTA_SET_ELEM_KEY and NFTA_DATA_VALUE
_KEY_LENGTH = {"4": 4, "6": 16}
_FAMILY = {"4": AF_INET, "6": AF_INET6}
_ELEMENT_DATA, _DATA_VERDICT, _VERDICT_CODE, _VERDICT_CHAIN = 2, 2, 1, 2
_VERDICTS = {-5: "return", -4: "goto ", -3: "jump ", 0: "drop", 1: "accept"}
"""linux/netfilter.h and linux/netfilter/nf_tables.h: NF_*, NFT_*."""


def is_large(table: NftSet) -> bool:
    """Tell whether it is compared with the text: many single addresses, with verdicts or not."""
    return (
        len(table.part) > _LARGE
        and table.exact
        and not table.dynamic
        and _OF_ADDRESSES.match(table.head) is not None
    )


def same_contents(table: NftSet, lists: Iterable[bytes]) -> bool:
    """Tell whether the kernel's lists of elements are what the text of a large one says."""
    version = (_OF_ADDRESSES.match(table.head) or [""])[1]
    return _listed(lists, _KEY_LENGTH[version]) == dict(_written(table, version))


def _written(table: NftSet, version: str) -> Iterator[tuple[bytes, str]]:
    family = _FAMILY[version]
    for line in table.lines():
        word, _, verdict = line.partition(" : ")
        yield inet_pton(family, word), verdict


def _listed(lists: Iterable[bytes], length: int) -> Mapping[bytes, str]:
    """Return the verdict of each key, empty in a set."""
    end = _KEY_PLACE + length
    found = {item[_KEY_PLACE:end]: item[end:] for part in lists for item in _elements(part)}
    words = {rest: _verdict(rest) for rest in set(found.values())}
    return {key: words[rest] for key, rest in found.items()}


def _elements(part: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(part):
        end = place + int.from_bytes(part[place : place + 2], sys.byteorder)
        yield part[place:end]
        place = (end + 3) & ~3


def _verdict(rest: bytes) -> str:
    data = attributes(rest).get(_ELEMENT_DATA)
    if data is None:
        return ""
    verdict = attributes(attributes(data)[_DATA_VERDICT])
    word = _VERDICTS[int.from_bytes(verdict[_VERDICT_CODE], "big", signed=True)]
    return word + verdict.get(_VERDICT_CHAIN, b"").rstrip(b"\0").decode()
