"""The options that the commands on a node share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from ....backends.apply.store import DEFAULT_STATE
from ....backends.iptables.names import BACKEND as IPTABLES
from ....backends.nftables.names import BACKEND as NFTABLES
from ...options import DEFAULT_LEVEL, LEVELS, DenyWith, Options, OwnNode
from ..option_types import Directory, max_errors_option

_ON_UNKNOWN = ("error", "fail-closed")  # manifests.OnUnknown, which takes long to import

_COMPILE_OPTIONS = (
    click.option(
        "--on-unknown",
        type=click.Choice(_ON_UNKNOWN),
        default=_ON_UNKNOWN[0],
        help="As of cnpc compile.",
    ),
    click.option(
        "--own-node",
        type=click.Choice([item.value for item in OwnNode]),
        default=OwnNode.EXEMPT.value,
        help="As of cnpc compile.",
    ),
    click.option(
        "--deny-with",
        type=click.Choice([item.value for item in DenyWith]),
        default=DenyWith.DROP.value,
        help="As of cnpc compile.",
    ),
    click.option(
        "-O",
        "level",
        type=click.Choice([str(level) for level in LEVELS]),
        default=str(DEFAULT_LEVEL),
        help="As of cnpc compile.",
    ),
    click.option(
        "--backend",
        type=click.Choice([NFTABLES, IPTABLES]),
        help="The packet filter to compile for.  [default: nftables where the node has it]",
    ),
    click.option(
        "--counters/--no-counters",
        default=None,
        help="Count what each policy's rule matches (cnpc status); iptables always does.  "
        "[default: as in force]",
    ),
    click.option(
        "--node",
        metavar="NAME",
        help="This node's name in the manifests, or in the ruleset.  "
        "[default: this host's name, if a node of the manifests has it]",
    ),
)

_ONLY_MANIFESTS = {
    "level": "-O",
    "deny_with": "--deny-with",
    "own_node": "--own-node",
    "on_unknown": "--on-unknown",
}
"""The options, by parameter, that a ruleset is past."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Choices:
    """How manifests are compiled before they are applied, and whether rules count."""

    node: str | None
    level: int
    options: Options
    on_unknown: str
    counters: bool | None
    """None: as what is in force."""
    backend: str | None
    """None: what the files are for, else what the node has."""
    max_errors: int
    only_manifests: tuple[str, ...]
    """The options given that mean nothing for what was compiled before."""


@dataclass(frozen=True, slots=True)
class Permits:
    """What the command line allows."""

    empty: bool
    other_node: bool


def state_option(command: _Command) -> _Command:
    """Add the option that says where the record is."""
    return click.option(
        "--state-dir",
        type=Directory(),
        default=DEFAULT_STATE,
        envvar="CNPC_STATE_DIR",
        show_default=True,
        show_envvar=True,
        help="Where cnpc keeps what it loaded.",
    )(command)


def compile_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that matter where manifests are given, as the one parameter ``choices``."""

    @wraps(command)
    def with_choices(  # noqa: PLR0913 - one parameter for each option
        *args: object,
        node: str | None,
        level: str,
        deny_with: str,
        own_node: str,
        on_unknown: str,
        counters: bool | None,
        backend: str | None,
        max_errors: int,
        **kwargs: object,
    ) -> object:
        choices = Choices(
            node,
            int(level),
            Options(DenyWith(deny_with), OwnNode(own_node)),
            on_unknown,
            counters,
            backend,
            max_errors,
            _only_manifests(),
        )
        return command(*args, choices=choices, **kwargs)

    decorated = max_errors_option("nothing changed")(with_choices)
    for option in _COMPILE_OPTIONS:
        decorated = option(decorated)
    return decorated


def permit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options ``--allow-empty`` and ``--force``, as the one parameter ``permits``."""

    @wraps(command)
    def with_permits(*args: object, allow_empty: bool, force: bool, **kwargs: object) -> object:
        return command(*args, permits=Permits(allow_empty, force), **kwargs)

    empty = click.option(
        "--allow-empty",
        is_flag=True,
        help="Also a ruleset without policies, where some are in force.",
    )
    force = click.option("--force", is_flag=True, help="Also the ruleset of another node.")
    return empty(force(with_permits))


def _only_manifests() -> tuple[str, ...]:
    context = click.get_current_context()
    return tuple(
        option
        for name, option in _ONLY_MANIFESTS.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    )
