"""Options that ``compile`` and ``stats`` share, and the backends to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from ...backends.base import Backend
from ...backends.iptables.passes import PASSES_WITHOUT_MAPS
from ...backends.iptables.render import Iptables
from ...backends.nftables.render import Nftables
from ..manifests.load import OnUnknown
from ..options import DEFAULT_LEVEL, LEVELS, DenyWith, OwnNode
from ..passes import PASSES, PassLevels

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


paths = click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path())

level = click.option(
    "-O",
    "level",
    type=click.Choice([str(level) for level in LEVELS]),
    default=str(DEFAULT_LEVEL),
    show_default=True,
    help="Optimisation level; 0 keeps one rule per policy rule.",
)

_deny_with = click.option(
    "--deny-with",
    type=click.Choice([item.value for item in DenyWith]),
    default=DenyWith.DROP.value,
    show_default=True,
    help="Drop silently, or answer with a TCP reset or an ICMP error.",
)
_own_node = click.option(
    "--own-node",
    type=click.Choice([item.value for item in OwnNode]),
    default=OwnNode.EXEMPT.value,
    show_default=True,
    help="Whether NetworkPolicy isolates a pod from its own node.",
)
_on_unknown = click.option(
    "--on-unknown",
    type=click.Choice([item.value for item in OnUnknown]),
    default=OnUnknown.ERROR.value,
    show_default=True,
    help="Unknown policy fields: refuse, or compile the rule fail-closed with a warning.",
)


def meaning(command: _Command) -> _Command:
    """Add the options about what policies mean: deny_with, own_node, on_unknown."""
    return _deny_with(_own_node(_on_unknown(command)))
