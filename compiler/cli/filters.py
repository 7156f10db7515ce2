"""The packet filters of this node, by their backends' names, each reached when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from ...backends.iptables_names import BACKEND as IPTABLES
from ...backends.nft_names import BACKEND as NFTABLES
from ...backends.node_filters import Filter, Reached
from ..errors import NodeError
from .later import later

_MODULES = {NFTABLES: "with_nftables", IPTABLES: "with_iptables"}
"""The one to prefer first; each takes long to import, and most runs need one alone."""


def filters() -> Reached:
    """Return how to reach each of them; NodeError says what a node lacks for it."""
    return {backend: partial(_reach, backend) for backend in _MODULES}


def usable_backend() -> str:
    """Return the first backend that the node has all for; NodeError if there is none."""
    refusals = []
    for backend in _MODULES:
        try:
            _reach(backend)
        except NodeError as refusal:
            refusals.append(refusal)
        else:
            return backend
    raise refusals[0]


@cache
def _reach(backend: str) -> Filter:
    reach: Callable[[], Filter] = later(_MODULES[backend]).reach
    return reach()
