"""The backends by name, and the passes that go with each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...backends.base import Backend
from ...backends.iptables import Iptables
from ...backends.nftables import Nftables
from ..passes import PASSES, PASSES_WITHOUT_MAPS, PassLevels

BACKENDS: Mapping[str, Callable[[], Backend]] = {
    Nftables.name: Nftables,
    Iptables.name: Iptables,
}
"""Every backend, by the name that ``--backend`` takes."""


def passes_of(backend: Backend) -> PassLevels:
    """Return the passes of each level that make what the backend has words for."""
    return PASSES if backend.has_maps else PASSES_WITHOUT_MAPS
