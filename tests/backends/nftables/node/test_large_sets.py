from __future__ import annotations

from cnpc.backends.linux.netlink import attribute
from cnpc.backends.nftables.node.large_sets import is_large, same_contents
from cnpc.backends.nftables.ruleset import NftSet
from cnpc.backends.text_slice import TextSlice

WORDS = [f"10.0.{n >> 8}.{n & 255}" for n in range(6000)]


def table(words: list[str], kind: str = "ipv4_addr", more: str = "") -> NftSet:
    elements = ",\n\t\t\t".join(word + more for word in words)
    return NftSet("set", "s", f"\t\ttype {kind}\n\t\tsize 65536", TextSlice.whole(elements))


def listed(words: list[str], data: bytes = b"") -> list[bytes]:
    """Return two messages' lists, in another order."""
    items = []
    for word in reversed(words):
        key = attribute(1, attribute(1, bytes(map(int, word.split(".")))))
        items.append(attribute(1, key + data))
    return [b"".join(items[:1000]), b"".join(items[1000:])]


def test_large_is_what_has_many_single_addresses() -> None:
    assert is_large(table(WORDS))
    assert not is_large(table(WORDS[:1000]))
    assert not is_large(table(WORDS, "ipv4_addr . inet_proto", " . tcp"))


def test_a_set_is_compared_address_by_address() -> None:
    assert same_contents(table(WORDS), listed(WORDS))
    assert not same_contents(table(WORDS), listed(WORDS[1:]))
    assert not same_contents(table(WORDS), listed([*WORDS[1:], "192.0.2.1"]))


def test_a_map_is_compared_verdict_by_verdict() -> None:
    chain = attribute(1, (-4).to_bytes(4, "big", signed=True)) + attribute(2, b"abc\0")
    lists = listed(WORDS, attribute(2, attribute(2, chain)))
    kind = "ipv4_addr : verdict"
    assert same_contents(table(WORDS, kind, " : goto abc"), lists)
    assert not same_contents(table(WORDS, kind, " : jump abc"), lists)
    assert not same_contents(table(WORDS, kind, " : goto abd"), lists)
    drop = listed(WORDS, attribute(2, attribute(2, attribute(1, bytes(4)))))
    assert same_contents(table(WORDS, kind, " : drop"), drop)
