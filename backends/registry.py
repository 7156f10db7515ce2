"""Every backend by its name, and the passes that make what it can express."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..compiler.passes import PASSES, PassLevels
from .base import Backend
from .iptables.passes import PASSES_WITHOUT_MAPS
from .iptables.render import Iptables
from .nftables.render import Nftables

DEFAULT_BACKEND = Nftables.name

BACKENDS: Mapping[str, Callable[[], Backend]] = {
    Nftables.name: Nftables,
    Iptables.name: Iptables,
}
"""What makes each backend, by the name that ``--backend`` takes."""


def passes_of(backend: Backend) -> PassLevels:
    """Return the passes of each level that make what the backend has words for."""
    return PASSES if backend.has_maps else PASSES_WITHOUT_MAPS
