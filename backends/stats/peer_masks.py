"""All peers at once: who of them there is as a mask, and numbers of them as bit planes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from ...compiler.ir.program import Map, Set, Verdict
from ...compiler.net import Interval
from .lookups import entries


class Tally:
    """A number for each of ``count`` peers, all numbers held as bit planes."""

    def __init__(self, count: int) -> None:
        """Start with zero for each."""
        self._count = count
        self._all = (1 << count) - 1
        self._same = 0
        self._planes: list[int] = []

    def add(self, mask: int) -> None:
        """Add one to the number of each peer in the mask."""
        if mask == self._all:
            self._same += 1
            return
        for index, plane in enumerate(self._planes):
            if not mask:
                return
            self._planes[index] = plane ^ mask
            mask &= plane
        if mask:
            self._planes.append(mask)

    def worst(self) -> int:
        """Return the highest number."""
        left, value = self._all, 0
        for index in range(len(self._planes) - 1, -1, -1):
            if left & self._planes[index]:
                left &= self._planes[index]
                value |= 1 << index
        return value + self._same

    def mean(self) -> float:
        """Return the mean of the numbers."""
        total = sum(plane.bit_count() << index for index, plane in enumerate(self._planes))
        return total / self._count + self._same if self._count else 0.0


class Peers:
    """The addresses at the other end, in order: bit i of a mask is the i-th of them."""

    def __init__(self, addresses: Iterable[int]) -> None:
        """Take addresses of one family."""
        self._sorted = sorted(set(addresses))
        self.count = len(self._sorted)
        self.everyone = (1 << self.count) - 1

    def mask(self, intervals: Iterable[Interval]) -> int:
        """Return who lies within one of the intervals."""
        digits = bytearray(b"0" * self.count)
        for low, high in intervals:
            start = bisect_left(self._sorted, low)
            end = bisect_right(self._sorted, high, start)
            if end > start:
                digits[start:end] = b"1" * (end - start)
        return int(digits[::-1] or b"0", 2)


class PeerIndex:
    """Finds in a table, for what is known of a packet, which peers get which verdict.

    ``peer_part`` is where in the keys the peer's address stands, if it does.
    """

    def __init__(self, table: Set | Map, peer_part: int | None, peers: Peers) -> None:
        """Index the table, for some of the peers."""
        self._peers = peers
        self._exact: dict[tuple[int, ...], dict[Verdict | None, list[Interval]]] = {}
        self._ranges: list[tuple[Sequence[Interval], Verdict | None, Interval | None]] = []
        self._found: dict[tuple[int, ...], Mapping[Verdict | None, int]] = {}
        self._has_peer = peer_part is not None
        for key, verdict in entries(table):
            peer = None if peer_part is None else key[peer_part]
            known = [part for index, part in enumerate(key) if index != peer_part]
            if all(low == high for low, high in known):
                verdicts = self._exact.setdefault(tuple(low for low, _ in known), {})
                verdicts.setdefault(verdict, []).extend([peer] if peer else [])
            else:
                self._ranges.append((known, verdict, peer))

    def find(self, values: tuple[int, ...]) -> Mapping[Verdict | None, int]:
        """Return the verdicts, None of a set, with the masks of the peers that get them."""
        found = self._found.get(values)
        if found is None:
            found = self._found[values] = self._compute(values)
        return found

    def _compute(self, values: tuple[int, ...]) -> Mapping[Verdict | None, int]:
        verdicts = {name: list(peers) for name, peers in self._exact.get(values, {}).items()}
        for known, verdict, peer in self._ranges:
            if all(low <= value <= high for (low, high), value in zip(known, values, strict=True)):
                verdicts.setdefault(verdict, []).extend([peer] if peer else [])
        if not self._has_peer:
            return dict.fromkeys(verdicts, self._peers.everyone)
        return {verdict: self._peers.mask(peers) for verdict, peers in verdicts.items()}
