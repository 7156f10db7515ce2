"""nft(8) in a network namespace of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from netcluster import Namespace


class Nft:
    """An empty network namespace; ClusterError says what nft refuses."""

    def __init__(self, space: Namespace) -> None:
        self._space = space

    def load(self, text: str) -> None:
        """Load a ruleset."""
        self._space.run(("nft", "-f", "-"), text)

    def list(self, *what: str) -> str:
        """Return what ``nft list`` prints, without packet counters."""
        return self._space.run(("nft", "--stateless", "list", *what))

    def own(self) -> str:
        """Return the table that cnpc makes."""
        return self.list("table", "inet", "cnpc")


@contextmanager
def empty_namespace() -> Iterator[Nft]:
    """Give nft in a new namespace."""
    space = Namespace()
    try:
        yield Nft(space)
    finally:
        space.close()
