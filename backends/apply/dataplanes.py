"""The packet filters of a node together: which there are, which is meant, and what judges too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...compiler.errors import NodeError
from ..linux.netlink import place
from .dataplane import PacketFilter
from .record import Record

Filter = PacketFilter[Any, Any]
Reached = Mapping[str, Callable[[], Filter]]
"""How to reach each packet filter, by its backend's name; NodeError where the node lacks it."""


@dataclass(frozen=True, slots=True)
class NodeFilters:
    """Each is reached when it is needed; the one to prefer comes first."""

    reached: Reached

    def __getitem__(self, backend: str) -> Filter:
        """Return the one of a backend; NodeError where the node lacks it."""
        return self.reached[backend]()

    def reach_loaded(self, record: Record) -> None:
        """Raise NodeError where the node lacks what could remove the rules that are in force."""
        current, kernel = record.current, record.kernel
        if current and kernel and kernel.place == place():
            self.reached[current.backend]()

    def of(self, record: Record) -> Filter:
        """Return that of the version loaded last, else the first that the node has.

        NodeError where the node lacks it.
        """
        return self[record.current.backend] if record.current else next(self.usable())

    def usable(self) -> Iterator[Filter]:
        """Yield those that the node has; NodeError if there is none."""
        refusals = []
        for reach in self.reached.values():
            try:
                yield reach()
            except NodeError as refusal:
                refusals.append(refusal)
        if len(refusals) == len(self.reached):
            raise refusals[0]

    def judging_beside(self, backend: str) -> tuple[str, ...]:
        """Return where rules of ours judge packets that are of other packet filters."""
        return tuple(place for own in self._others(backend) for place in own.judging())

    def remove_beside(self, backend: str, warn: Callable[[str], None]) -> tuple[str, ...]:
        """Remove the rules of ours that judge beside those of a backend; returns where that was.

        ``warn`` is told of what could not be removed.
        """
        removed: list[str] = []
        for own in self._others(backend):
            if places := own.judging():
                _unloaded(own, warn)
                left = own.judging()
                removed += (place for place in places if place not in left)
        return tuple(removed)

    def unload_all_but(self, backend: str, warn: Callable[[str], None]) -> bool:
        """Remove what other packet filters have of ours; False if there was nothing.

        ``warn`` is told of what could not be removed. NodeError if there is no packet filter at
        all.
        """
        found = [_unloaded(own, warn) for own in self._others(backend)]
        return any(found)

    def _others(self, backend: str) -> Iterator[Filter]:
        return (own for own in self.usable() if own.backend != backend)


def _unloaded(own: Filter, warn: Callable[[str], None]) -> bool:
    try:
        return own.unload()
    except NodeError as refusal:
        warn(f"what cnpc may have in {own.backend} cannot be removed: {refusal}")
        return False
