"""The backends by name, and the passes that go with each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from ...backends.base import Backend
from ...backends.iptables import Iptables
from ...backends.nftables import Nftables
from ..passes import PASSES, PASSES_WITHOUT_MAPS, PassLevels

_Command = TypeVar("_Command", bound=Callable[..., Any])

BACKENDS: Mapping[str, Callable[[], Backend]] = {
    Nftables.name: Nftables,
    Iptables.name: Iptables,
}
"""Every backend, by the name that ``--backend`` takes."""


def backend_option(help_: str) -> Callable[[_Command], _Command]:
    """Return the option ``--backend``."""
    return click.option(
        "--backend",
        type=click.Choice(list(BACKENDS)),
        default=Nftables.name,
        show_default=True,
        help=help_,
    )


def passes_of(backend: Backend) -> PassLevels:
    """Return the passes of each level that make what the backend has words for."""
    return PASSES if backend.has_maps else PASSES_WITHOUT_MAPS
