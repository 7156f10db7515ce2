"""Options that ``compile`` and ``stats`` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ...backends.registry import BACKENDS, DEFAULT_BACKEND
from ..manifests.load import OnUnknown
from ..options import DEFAULT_LEVEL, LEVELS, DenyWith, OwnNode

_Command = TypeVar("_Command", bound=Callable[..., Any])


def backend_option(help_: str) -> Callable[[_Command], _Command]:
    """Return the option ``--backend``."""
    return click.option(
        "--backend",
        type=click.Choice(list(BACKENDS)),
        default=DEFAULT_BACKEND,
        show_default=True,
        help=help_,
    )


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
