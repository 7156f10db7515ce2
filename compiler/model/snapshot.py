"""The cluster at one instant: namespaces, nodes and the endpoints that policies can select."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ..net import Family, Protocol

NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name"

Address = tuple[Family, int]

Contested = tuple[str, Address]
"""An address that several live pods claim, and the node of one of them."""


class ContainerPort(Struct, frozen=True, gc=False):
    """A named port of a container, or of an init container that keeps running."""

    name: str
    protocol: Protocol
    number: int


class Namespace(Struct, frozen=True):
    """A namespace; its labels always hold NAMESPACE_NAME_LABEL."""

    name: str
    labels: Mapping[str, str]


class Node(Struct, frozen=True):
    """A node with every status address that is an IP, in ascending order."""

    name: str
    labels: Mapping[str, str]
    addresses: tuple[Address, ...]


class Endpoint(Struct, frozen=True, gc=False):
    """A pod that can be selected: it has an IP of its own and has not ended."""

    namespace: str
    name: str
    node: str
    labels: Mapping[str, str]
    addresses: tuple[Address, ...]
    ports: tuple[ContainerPort, ...] = ()


class Snapshot(Struct, frozen=True):
    """All of it, each tuple sorted by name (endpoints by namespace and name).

    No endpoint has a ``contested`` address.
    """

    namespaces: tuple[Namespace, ...]
    nodes: tuple[Node, ...]
    endpoints: tuple[Endpoint, ...]
    contested: tuple[Contested, ...] = ()
