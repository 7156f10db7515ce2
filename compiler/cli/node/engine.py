"""Opens the engine of this node, with the dataplanes it has."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from ....backends.apply.dataplane import Drift, InForce
from ....backends.apply.dataplanes import Filter, Reached
from ....backends.apply.engine import Keeper
from ....backends.apply.record import Record
from ....backends.apply.store import State
from ....backends.iptables.names import BACKEND as IPTABLES
from ....backends.linux.doctor import lacks_rights
from ....backends.nftables.names import BACKEND as NFTABLES
from ....backends.nftables.ruleset import EMPTY, Layout
from ...errors import NodeError
from ..lazy import later
from ..output.messages import report_message, report_warning

_MODULES = {
    NFTABLES: "..backends.nftables.node.dataplane",
    IPTABLES: "..backends.iptables.node.dataplane",
}
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


def open_keeper(state_dir: Path) -> Keeper:
    """Return the keeper of this node; NodeError without the rights for it."""
    for finding in lacks_rights():
        raise NodeError(str(finding))
    return Keeper(filters(), State(state_dir), _say_waiting, report_warning)


def shown(keeper: Keeper, record: Record, now: InForce[Any]) -> Layout:
    """Return what is in force, as far as that is recorded; empty where nothing is."""
    there = now.loaded and now.drift is not Drift.GONE
    return keeper.view.recorded(record) if there else EMPTY


def _say_waiting() -> None:
    report_message("another cnpc is at work on this node; waiting for it")
