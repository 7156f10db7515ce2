"""What keeps packets of pods from being judged, or judged as theirs, each with its remedy."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from ...compiler.errors import NodeError
from ..iptables.node.active import NFT_FAMILIES
from . import bridges, netlink, programs
from .finding import Finding, warning
from .links import links

_CNI = Path("/etc/cni/net.d")
_UNSEEN = ("macvlan", "ipvlan")
"""Devices of pods whose packets come to no chain of the node."""
_FLAVOURS = ("legacy", "nft")
_DROPS = re.compile(r"^:FORWARD DROP ", re.MULTILINE)
_HIDES = re.compile(r"^-A (?:POSTROUTING(?: -s \S+)?|CNI-\S+ ! -d 224\S+)(?: -m comment --comment "
                    r"(?:\"[^\"]*\"|\S+))? -j MASQUERADE\b.*$", re.MULTILINE)  # fmt: skip


def _bridges() -> Iterator[Finding]:
    if names := bridges.unjudged(None):
        yield warning(bridges.words(names), bridges.REMEDY)


def _devices() -> Iterator[Finding]:
    for kind in sorted({*_kinds(), *_plugins()} & set(_UNSEEN)):
        yield warning(
            f"packets of pods on {kind} pass unjudged: they come to no chain of the node",
            "give these pods another network (ptp, bridge), or keep policies from relying on it",
        )


def _forward_policy() -> Iterator[Finding]:
    for tool in ("iptables", "ip6tables"):
        if any(_DROPS.search(saved) for saved in _saved(tool, "filter")):
            yield warning(
                f"{tool} drops what is forwarded unless a rule of the host accepts it, whatever "
                "policies allow (docker sets that)",
                f"{tool} -P FORWARD ACCEPT, or a rule that accepts what pods send and get",
            )


def _masquerading() -> Iterator[Finding]:
    for tool in ("iptables", "ip6tables"):
        rules = [found[0] for saved in _saved(tool, "nat") for found in _HIDES.finditer(saved)]
        if rules:
            yield warning(
                f"pods send to pods of other nodes with this node's address ({tool} -t nat "
                f"{rules[0]}), by which policies there judge them",
                "leave out the pods' network: ipMasq false, or a rule before it for -d POD-CIDR",
            )


PATHS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _bridges,
    _devices,
    _forward_policy,
    _masquerading,
)
"""All that is looked at."""


def _kinds() -> Iterable[str]:
    return (link.kind for link in links().values())


def _plugins() -> Iterator[str]:
    """Yield the types of the CNI plugins that are configured, as the first file is used."""
    for path in sorted(_CNI.glob("*.conf*"))[:1]:
        with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
            found = json.loads(path.read_bytes())
            yield from (str(item.get("type")) for item in found.get("plugins", [found]))


def _saved(tool: str, table: str) -> Iterator[str]:
    """Yield what both flavours have in a table; one that is not there is not made."""
    for flavour in _FLAVOURS:
        with contextlib.suppress(NodeError):
            if _is_there(tool, table, flavour):
                yield programs.run([f"{tool}-{flavour}-save", "-t", table]).out


def _is_there(tool: str, table: str, flavour: str) -> bool:
    if flavour == "nft":
        family = NFT_FAMILIES["v4" if tool == "iptables" else "v6"]
        return netlink.exists(partial(netlink.table, table, family))
    names = Path("/proc/net") / f"{tool.removesuffix('tables')}_tables_names"
    return names.exists() and table in names.read_text(encoding="utf-8").split()
