"""Opens the engine of this node, with the dataplanes it has."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from ....backends.apply.dataplane import Drift, Installed
from ....backends.apply.dataplanes import AnyDataplane, DataplaneFactories
from ....backends.apply.engine import Engine
from ....backends.apply.record import Record
from ....backends.apply.store import Store
from ....backends.iptables.names import BACKEND as IPTABLES
from ....backends.linux.doctor import lacks_rights
from ....backends.nftables.names import BACKEND as NFTABLES
from ....backends.nftables.ruleset import EMPTY, NftRuleset
from ...errors import NodeError
from ..lazy import lazy_import
from ..output.messages import report_message, report_warning

_MODULES = {
    NFTABLES: "..backends.nftables.node.dataplane",
    IPTABLES: "..backends.iptables.node.dataplane",
}
"""The one to prefer first; each takes long to import, and most runs need one alone."""


def dataplanes() -> DataplaneFactories:
    """Return how to reach each of them; NodeError says what a node lacks for it."""
    return {backend: partial(_open, backend) for backend in _MODULES}


def usable_backend() -> str:
    """Return the first backend that the node has all for; NodeError if there is none."""
    refusals = []
    for backend in _MODULES:
        try:
            _open(backend)
        except NodeError as refusal:
            refusals.append(refusal)
        else:
            return backend
    raise refusals[0]


@cache
def _open(backend: str) -> AnyDataplane:
    reach: Callable[[], AnyDataplane] = lazy_import(_MODULES[backend]).open_dataplane
    return reach()


def open_engine(state_dir: Path) -> Engine:
    """Return the engine of this node; NodeError without the rights for it."""
    for finding in lacks_rights():
        raise NodeError(str(finding))
    return Engine(dataplanes(), Store(state_dir), _say_waiting, report_warning)


def shown(engine: Engine, record: Record, now: Installed[Any]) -> NftRuleset:
    """Return what is in force, as far as that is recorded; empty where nothing is."""
    there = now.loaded and now.drift is not Drift.GONE
    return engine.view.recorded(record) if there else EMPTY


def _say_waiting() -> None:
    report_message("another cnpc is at work on this node; waiting for it")
