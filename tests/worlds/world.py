"""A world: the manifests of a cluster and its policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """How big worlds are: each pair is the least and the most; ``nodes`` at least one.

    ``unknown`` adds fields that only ``--on-unknown fail-closed`` takes. ``loose`` lets pods run on
    nodes whose object is missing. ``flows`` is how many flows are asked of a world at most, beyond
    those that no world goes without.
    """

    nodes: tuple[int, int] = (1, 3)
    namespaces: tuple[int, int] = (1, 4)
    pods: tuple[int, int] = (1, 8)
    cluster_policies: tuple[int, int] = (0, 6)
    network_policies: tuple[int, int] = (0, 3)
    rules: tuple[int, int] = (0, 4)
    unknown: bool = False
    loose: bool = True
    flows: int = 200


SMALL = Profile()
LARGE = Profile(
    nodes=(2, 3),
    namespaces=(3, 6),
    pods=(20, 60),
    cluster_policies=(3, 10),
    network_policies=(3, 15),
    rules=(0, 6),
    loose=False,
    flows=3000,
)


@dataclass(frozen=True, slots=True)
class World:
    """Manifests as loaded from YAML, and the profile they were made by."""

    documents: tuple[Manifest, ...]
    profile: Profile = SMALL

    def objects(self) -> Iterator[Manifest]:
        """Give every object, those in Lists too."""
        return _objects(self.documents)

    def kind(self, *kinds: str) -> list[Manifest]:
        """Return the objects of these kinds."""
        return [item for item in self.objects() if item["kind"] in kinds]

    def to_yaml(self) -> str:
        """Return the manifests as YAML documents."""
        return yaml.dump_all(
            self.documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
        )


def _objects(documents: Iterable[Manifest]) -> Iterator[Manifest]:
    for document in documents:
        if document["kind"] == "List":
            yield from _objects(document["items"])
        else:
            yield document


class _Dumper(yaml.CSafeDumper):
    """Writes what occurs twice twice, as ``kubectl`` does."""

    def ignore_aliases(self, _data: object) -> bool:
        return True
