"""The packet filters of a node together: which there are, which is meant, and what judges too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...compiler.errors import NodeError
from ..linux.netlink import netns_id
from .dataplane import Dataplane
from .record import Record

AnyDataplane = Dataplane[Any, Any]
DataplaneFactories = Mapping[str, Callable[[], AnyDataplane]]
"""How to reach each packet filter, by its backend's name; NodeError where the node lacks it."""


@dataclass(frozen=True, slots=True)
class Dataplanes:
    """Each is reached when it is needed; the one to prefer comes first."""

    factories: DataplaneFactories

    def __getitem__(self, backend: str) -> AnyDataplane:
        """Return the one of a backend; NodeError where the node lacks it."""
        return self.factories[backend]()

    def reach_loaded(self, record: Record) -> None:
        """Raise NodeError where the node lacks what could remove the rules that are in force."""
        current, kernel = record.current, record.kernel
        if current and kernel and kernel.place == netns_id():
            self.factories[current.backend]()

    def of(self, record: Record) -> AnyDataplane:
        """Return that of the version loaded last, else the first that the node has.

        NodeError where the node lacks it.
        """
        return self[record.current.backend] if record.current else next(self.usable())

    def usable(self) -> Iterator[AnyDataplane]:
        """Yield those that the node has; NodeError if there is none."""
        refusals = []
        for reach in self.factories.values():
            try:
                yield reach()
            except NodeError as refusal:
                refusals.append(refusal)
        if len(refusals) == len(self.factories):
            raise refusals[0]

    def leftovers(self, backend: str) -> tuple[str, ...]:
        """Return where rules of ours judge packets that are of other packet filters."""
        return tuple(netns_id for own in self._others(backend) for netns_id in own.where_active())

    def remove_leftovers(self, backend: str, warn: Callable[[str], None]) -> tuple[str, ...]:
        """Remove the rules of ours that judge beside those of a backend; returns where that was.

        ``warn`` is told of what could not be removed.
        """
        removed: list[str] = []
        for own in self._others(backend):
            if places := own.where_active():
                _unloaded(own, warn)
                left = own.where_active()
                removed += (netns_id for netns_id in places if netns_id not in left)
        return tuple(removed)

    def unload_all_but(self, backend: str, warn: Callable[[str], None]) -> bool:
        """Remove what other packet filters have of ours; False if there was nothing.

        ``warn`` is told of what could not be removed. NodeError if there is no packet filter at
        all.
        """
        found = [_unloaded(own, warn) for own in self._others(backend)]
        return any(found)

    def _others(self, backend: str) -> Iterator[AnyDataplane]:
        return (own for own in self.usable() if own.backend != backend)


def _unloaded(own: AnyDataplane, warn: Callable[[str], None]) -> bool:
    try:
        return own.unload()
    except NodeError as refusal:
        warn(f"what cnpc may have in {own.backend} cannot be removed: {refusal}")
        return False
