"""The manifests that a command line names, and the nodes it selects."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import BinaryIO

import click

from ..errors import InputError, error
from ..manifests.load import Inputs, OnUnknown, load
from .rulesets.file_names import no_rulesets
from .suggest import similar


def read_inputs(paths: Sequence[str], on_unknown: str, stdin: BinaryIO | None = None) -> Inputs:
    """Return what they hold; InputError with all that is wrong, UsageError for rulesets."""
    no_rulesets(paths)
    return load(paths, on_unknown=OnUnknown(on_unknown), stdin=stdin)


_NONE = "the input needs Node objects, or pods on nodes"
_LISTED = 5  # names, where a message can only give examples


def choose(known: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the nodes wanted, in order, or all; InputError names all that do not exist."""
    problems = [
        error(f"no node '{name}'", None, _similar(name, known))
        for name in dict.fromkeys(wanted)
        if name not in known
    ]
    if not known and not wanted:
        problems.append(error("no nodes", None, _NONE))
    if problems:
        raise InputError(problems)
    return tuple(sorted(set(wanted))) if wanted else tuple(known)


def this_node(known: Sequence[str], wanted: str | None) -> str:
    """Return the node wanted, or the one that has this host's name; UsageError if none has.

    InputError if it is not among the known.
    """
    host = os.uname().nodename.lower()  # as the kubelet has it, which may leave the domain out
    own = [name for name in (host, host.partition(".")[0]) if name in known]
    if wanted is None and known and not own:
        raise click.UsageError(f"--node NAME says which node this is; {_some(known)}")
    (chosen,) = choose(known, [wanted or own[0]] if wanted or own else [])
    return chosen


def _similar(name: str, known: Sequence[str]) -> str:
    if not known:
        return _NONE
    if near := similar(name, known):
        return f"did you mean '{near}'?"
    return _some(known)


def _some(known: Sequence[str]) -> str:
    more = ", ..." if len(known) > _LISTED else ""
    return f"the input has {', '.join(known[:_LISTED])}{more}"
