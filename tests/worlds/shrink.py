"""Makes a world that shows a difference smaller, as long as it still shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from worlds.world import World

Path = tuple[str | int, ...]


def shrink(world: World, still_fails: Callable[[World], bool]) -> World:
    """Return a world from which nothing more can be left out without ``still_fails`` ending.

    Whole documents go first, then list items and fields, the outer ones before the inner ones.
    ``still_fails`` must say no for a world that is no longer valid.
    """
    shrinking = True
    while shrinking:
        shrinking = False
        for path in _paths(world.documents):
            smaller = replace(world, documents=_without(world.documents, path))
            if still_fails(smaller):
                world, shrinking = smaller, True
                break
    return world


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:  # noqa: ANN401 - any part of a manifest
    """Give the paths of all that could be left out, breadth first, last items first."""
    level = [(path, value)]
    while level:
        below = []
        for base, item in level:
            keys = range(len(item) - 1, -1, -1) if isinstance(item, list | tuple) else list(item)
            for key in keys:
                yield (*base, key)
                if isinstance(item[key], dict | list):
                    below.append(((*base, key), item[key]))
        level = below


def _without(documents: tuple[Any, ...], path: Path) -> tuple[Any, ...]:
    if len(path) == 1:
        return tuple(item for index, item in enumerate(documents) if index != path[0])
    copy = deepcopy(documents)
    inner: Any = copy
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return copy
