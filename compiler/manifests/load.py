"""Manifests to values: every object of the files named, with all errors of all of them at once."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from msgspec import Struct

from ..errors import Diagnostic, InputError, Severity, Source, Span
from ..model.policy import Policy, Tier
from ..model.snapshot import Snapshot
from .kinds import Collector
from .problems import OnUnknown, Problems
from .text.documents import MOST_CHECKED, EmptyFile, holds_no_object, read_manifests
from .text.files import STDIN, Opener, SourceError, expand, open_plain
from .text.json_text import report_depth
from .text.kubectl_list import NotAsPrinted, cut
from .text.not_manifests import rendered_by
from .text.render_problems import locate

__all__ = ["Inputs", "OnUnknown", "load"]

_RANKS = {tier: rank for rank, tier in enumerate(Tier)}


class Inputs(Struct, frozen=True):
    """What a compilation starts from.

    ``policies`` are in the order of tier, priority, name and kind, whatever the order in the
    files; ``warnings`` are not yet located (``diagnostics.render`` does it); ``passed_over`` counts
    the objects of kinds that are not read, by ``apiVersion/kind``. ``no_endpoints`` are
    the names of pods that no policy selects, by the reason, in words that follow "pods".
    """

    snapshot: Snapshot
    policies: tuple[Policy, ...]
    warnings: tuple[Diagnostic, ...]
    passed_over: Mapping[str, int]
    no_endpoints: Mapping[str, tuple[str, ...]]


def load(
    paths: Sequence[str],
    *,
    on_unknown: OnUnknown = OnUnknown.ERROR,
    stdin: BinaryIO | None = None,
) -> Inputs:
    """Return everything that the files, folders and ``-`` hold.

    Raises InputError with every diagnostic of all files, sorted by place.
    """
    opener = Opener(stdin)
    with _no_collection():
        try:
            return _load(paths, on_unknown, opener, in_pieces=True)
        except NotAsPrinted:
            return _load(paths, on_unknown, opener, in_pieces=False)


def _load(
    paths: Sequence[str], on_unknown: OnUnknown, opener: Opener, *, in_pieces: bool
) -> Inputs:
    problems = Problems(on_unknown)
    collector = Collector(problems)
    sources = [
        source
        for path in _files(paths, problems)
        if not (in_pieces and _read_pieces(path, collector))
        and (source := _read(path, opener, collector, problems, named=path in paths))
    ]
    snapshot = collector.finish()
    if any(item.severity is Severity.ERROR for item in problems.diagnostics):
        raise InputError(locate(problems.diagnostics, sources))
    return Inputs(
        snapshot,
        tuple(sorted(collector.policies, key=_order)),
        tuple(problems.diagnostics),
        dict(sorted(collector.passed_over.items())),
        {why: tuple(sorted(n)) for why, n in sorted(collector.cluster.no_endpoints.items())},
    )


def _order(policy: Policy) -> tuple[int, int, str, str]:
    return _RANKS[policy.tier], policy.priority, policy.name, policy.kind


def _files(paths: Sequence[str], problems: Problems) -> list[str]:
    """Return each file once, in the order of the paths, whatever links lead to it."""
    found: dict[str, str] = {}
    for path in dict.fromkeys(paths):
        try:
            for file in expand(path):
                found.setdefault(os.path.realpath(file), file)
        except SourceError as problem:
            problems.error(str(problem), Span(path, 0, 0), problem.hint)
    return list(found.values())


def _read_pieces(path: str, collector: Collector) -> bool:
    """Read a large file without holding it, if it is what kubectl prints; tell whether it is."""
    file = open_plain(path)
    if file is None:
        return False
    with file:
        large = os.fstat(file.fileno()).st_size > MOST_CHECKED
        pieces = cut(file) if large else None
        if pieces is not None:
            collector.add_pieces(pieces, Source(path))
        return pieces is not None


def _read(
    path: str, opener: Opener, collector: Collector, problems: Problems, *, named: bool
) -> Source | None:
    """Read one file; that it is empty is an error if the user has named it."""
    try:
        source, data = opener.open(path)
    except SourceError as problem:
        problems.error(str(problem), Span(path, 0, 0), problem.hint)
        return None
    before = len(problems.diagnostics)
    try:
        if not named and (hint := rendered_by(path)) and holds_no_object(data, source):
            problems.warning("passed over: this is no manifest", Span(source.name, 0, 0), hint)
            return source
        for manifest in read_manifests(data, source, problems):
            collector.add(manifest)
    except EmptyFile:
        if len(problems.diagnostics) == before:
            report = problems.error if named else problems.warning
            hint = "did the command before the pipe fail?" if path == STDIN else ""
            report("there is no object in this file", Span(source.name, 0, 0), hint)
    except RecursionError:
        report_depth(data.decode("utf-8-sig", "replace"), source, problems)
    return source


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the cycle collector from walking a heap that has no cycles to find, now or later.

    What was read lives as long as the process or nearly so; its first collection would walk all of
    it, which takes as long as reading it.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()
