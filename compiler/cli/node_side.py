"""What the commands on a node share: the record's folder, the kernel, the rulesets given."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from ...backends.doctor import lacks_root
from ...backends.keeper import Keeper
from ...backends.layout import with_counters
from ...backends.nft_filter import given
from ...backends.nft_signs import BACKEND as NFTABLES
from ...backends.packet_filter import Given
from ...backends.record import DEFAULT_STATE, State
from ..errors import InputError, NodeError, Span, error
from ..options import DEFAULT_LEVEL, LEVELS, DenyWith, Options, OwnNode
from ..source import STDIN, SourceError, open_source
from .filters import filters, usable_backend
from .messages import report_line

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
        type=click.Choice(list(filters())),
        help="The packet filter to compile for.  [default: nftables where the node has it]",
    ),
    click.option(
        "--counters",
        is_flag=True,
        help="Count what each policy's rule matches (cnpc status); iptables always does.",
    ),
    click.option("--node", metavar="NAME", help="This node's name in the manifests."),
)

_SUFFIX = ".nft"
_OF_IPTABLES = (".ipset", ".v4", ".v6")
_MARK = b"\ntable inet cnpc {"
_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Choices:
    """How manifests are compiled before they are applied, and whether rules count."""

    node: str | None
    level: int
    options: Options
    on_unknown: str
    counters: bool
    backend: str | None
    """None: what the files are for, else what the node has."""


def state_option(command: _Command) -> _Command:
    """Add the option that says where the record is."""
    return click.option(
        "--state-dir",
        type=click.Path(path_type=Path, file_okay=False),
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
        counters: bool,
        backend: str | None,
        **kwargs: object,
    ) -> object:
        options = Options(DenyWith(deny_with), OwnNode(own_node))
        choices = Choices(node, int(level), options, on_unknown, counters, backend)
        return command(*args, choices=choices, **kwargs)

    decorated: Callable[..., Any] = with_choices
    for option in _COMPILE_OPTIONS:
        decorated = option(decorated)
    return decorated


def open_keeper(state_dir: Path) -> Keeper:
    """Return the keeper of this node; NodeError without the rights for it."""
    for finding in lacks_root():
        raise NodeError(str(finding))
    return Keeper(filters(), State(state_dir), _say_waiting)


def _say_waiting() -> None:
    report_line("another cnpc is at work on this node; waiting for it")


def read_given(paths: Sequence[str], choices: Choices) -> Given[Any]:
    """Return the ruleset of files that compile wrote, or of manifests compiled for the node."""
    if any(path.endswith(_OF_IPTABLES) for path in paths):
        read_trio = importlib.import_module(".trio", __package__).read_trio
        ruleset: Given[Any] = read_trio(paths, lambda path: _text(_read(path), path))
        return _of_backend(ruleset, choices)
    rulesets = [path for path in paths if path.endswith(_SUFFIX)]
    if rulesets and len(paths) > 1:
        raise click.UsageError("give one ruleset, or manifests, and not both or several")
    data = _read(paths[0] if rulesets else STDIN) if rulesets or STDIN in paths else b""
    if rulesets or _MARK in data:
        return _of_backend(_given(_text(data, paths[0]), choices, paths[0]), choices)
    # The front end and the compiler are needed only here, and take half of a start to import.
    compiled = importlib.import_module(".compiled", __package__).compiled
    backend = choices.backend or usable_backend()
    texts: Mapping[str, str] = compiled(paths, data, choices, backend)
    if backend == NFTABLES:
        return _given(texts[_SUFFIX[1:]], choices)
    return Given(backend, texts, lambda: filters()[backend]().read(texts))


def _of_backend(ruleset: Given[Any], choices: Choices) -> Given[Any]:
    """Return the ruleset, if it is of the backend that was asked for."""
    if choices.backend not in {None, ruleset.backend}:
        raise click.UsageError(
            f"this is a ruleset for {ruleset.backend}; compile the manifests for {choices.backend}"
        )
    return ruleset


def _given(text: str, choices: Choices, name: str = "<ruleset>") -> Given[Any]:
    return given(with_counters(text) if choices.counters else text, name)


def _read(path: str) -> bytes:
    try:
        return open_source(path, sys.stdin.buffer)[1]
    except SourceError as problem:
        raise InputError([error(str(problem), Span(path, 0, 0), problem.hint)]) from None


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InputError([error("this is not text", Span(path, 0, 0))]) from None
