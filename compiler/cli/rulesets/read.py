"""Reads the ruleset that ``apply``, ``diff`` and ``save`` are given."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ....backends.apply.dataplane import RulesetSource
from ....backends.apply.store import Store
from ....backends.nftables.names import BACKEND as NFTABLES
from ....backends.nftables.names import SUFFIX
from ....backends.nftables.node.dataplane import ruleset_source
from ...errors import InputError, NodeError, Span, error
from ...manifests.text.files import STDIN, SourceError, open_source
from ..lazy import lazy_import
from ..node.engine import dataplanes, usable_backend
from ..node.options import Choices
from ..output.messages import report_warning
from .counting import counting
from .digest_line import edited
from .file_names import is_nft, is_of_iptables
from .read_header import Header, header_of_text

_MOST_BYTES = 512 << 20
"""To how much gzip may unpack a ruleset: ten times what the largest node needs."""

_MARK = b"\ntable inet cnpc {"


def header_in_force(state_dir: Path) -> Header | None:
    """Return the header of what was loaded last; None where nothing was, or its copy is lost."""
    state = Store(state_dir)
    try:
        current = state.read().current
        return header_of_texts(state.texts(current)) if current else None
    except NodeError:
        return None


def header_of_texts(texts: Mapping[str, str]) -> Header:
    """Return the header of a ruleset, which all its texts have."""
    return header_of_text(next(iter(texts.values())))


def read_source(
    paths: Sequence[str], choices: Choices, in_force: Header | None = None
) -> RulesetSource[Any]:
    """Return the ruleset of files that compile wrote, or of manifests compiled for the node.

    It has counters where that is asked for, or where what is in force has them.
    """
    counters = choices.counters
    if counters is None:
        counters = in_force is not None and in_force.has_counters
    if any(map(is_of_iptables, paths)):
        ruleset: RulesetSource[Any] = lazy_import("rulesets.iptables_files").read_trio(
            paths, lambda path: _text(_read(path), path)
        )
        return _chosen(ruleset, choices, paths[0])
    rulesets = list(filter(is_nft, paths))
    if rulesets and len(paths) > 1:
        raise click.UsageError("give one ruleset, or manifests, and not both or several")
    data = _read(paths[0] if rulesets else STDIN) if rulesets or STDIN in paths else b""
    if rulesets or _MARK in data:
        text = _text(data, paths[0])
        ruleset = _chosen(ruleset_source(text, paths[0]), choices, paths[0])
        return ruleset_source(counting(text), paths[0]) if counters else ruleset
    backend = choices.backend or usable_backend()
    texts: Mapping[str, str] = lazy_import("rulesets.compile_node").compiled(
        paths, data, choices, backend
    )
    if backend == NFTABLES:
        return ruleset_source(counting(texts[SUFFIX]) if counters else texts[SUFFIX])
    return RulesetSource(backend, texts, lambda: dataplanes()[backend]().read(texts))


def _chosen(ruleset: RulesetSource[Any], choices: Choices, path: str) -> RulesetSource[Any]:
    """Return the ruleset, if it is what the options ask for."""
    if choices.only_manifests:
        options = ", ".join(choices.only_manifests)
        raise click.UsageError(f"{options}: this is a ruleset; compile the manifests with that")
    if choices.backend not in {None, ruleset.backend}:
        raise click.UsageError(
            f"this is a ruleset for {ruleset.backend}; compile the manifests for {choices.backend}"
        )
    node = header_of_texts(ruleset.texts).node
    if choices.node not in {None, node}:
        whose = f"of node {node}" if node else "of a node that it does not name"
        raise click.UsageError(f"--node {choices.node}: this is a ruleset {whose}")
    if edited(ruleset.texts):
        report_warning(f"{path} was edited after cnpc had compiled it")
    return ruleset


def _read(path: str) -> bytes:
    most = {} if path == STDIN else {"most": _MOST_BYTES}
    try:
        return open_source(path, sys.stdin.buffer, **most)[1]
    except SourceError as problem:
        raise InputError([error(str(problem), Span(path, 0, 0), problem.hint)]) from None


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InputError([error("this is not text", Span(path, 0, 0))]) from None
