"""Objects as ``kubectl get -o yaml`` prints them: keys sorted, lists as deep as their keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from cnpc.compiler.manifests.text.yaml_scalars import resolve

from clusters.objects import Object

_PLAIN = re.compile(r"(?!\d{4}-\d\d-\d\d)[A-Za-z0-9][\w./-]*(?::[\w./-]+)*\Z")


def write_yaml_list(path: Path, objects: Iterable[Object]) -> None:
    """Write the objects as one List."""
    with path.open("w") as file:
        file.write("apiVersion: v1\nitems:\n")
        for item in objects:
            file.writelines(f"{line}\n" for line in _items([item]))
        file.write('kind: List\nmetadata:\n  resourceVersion: ""\n')


def _lines(value: Mapping[str, object]) -> Iterator[str]:
    for key, item in sorted(value.items()):
        if isinstance(item, Mapping) and item:
            yield f"{_scalar(key)}:"
            yield from (f"  {line}" for line in _lines(item))
        elif isinstance(item, list | tuple) and item:
            yield f"{_scalar(key)}:"
            yield from _items(item)
        else:
            yield f"{_scalar(key)}: {_scalar(item)}"


def _items(values: Sequence[object]) -> Iterator[str]:
    for value in values:
        lead = "- "
        lines = _lines(value) if isinstance(value, Mapping) and value else [_scalar(value)]
        for line in lines:
            yield lead + line
            lead = "  "


def _scalar(value: object) -> str:
    is_plain = isinstance(value, str) and _PLAIN.match(value) and resolve(value) == value
    return str(value) if is_plain else json.dumps(value)
