"""Bridges whose frames no packet filter judges, so that policies do not hold between their pods."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path

from .links import VERSIONS, Link, links

REMEDY = (
    "modprobe br_netfilter; "
    "sysctl -w net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1"
)

_SYSCTLS = tuple(
    Path("/proc/sys/net/bridge") / f"bridge-nf-call-{name}" for name in ("iptables", "ip6tables")
)


def unjudged(pods: Iterable[str] | None) -> tuple[str, ...]:
    """Return the bridges that pods hang on, by their addresses, and that pass frames unjudged.

    Without addresses, those with a port that may be a pod's.
    """
    found = links()
    ports = {link.master for link in found.values() if link.kind == "veth"}
    bridges = [link for number, link in found.items() if link.kind == "bridge" and number in ports]
    if not bridges:
        return ()
    addresses = None if pods is None else tuple(map(_parsed, pods))
    on = tuple(map(_is_on, _SYSCTLS))
    return tuple(sorted(link.name for link in bridges if _passes(link, on, addresses)))


def words(names: Iterable[str]) -> str:
    """Return what is said of such bridges."""
    return f"packets between pods on one bridge ({', '.join(names)}) pass unjudged"


def _is_on(path: Path) -> bool:
    return path.exists() and path.read_text(encoding="utf-8").strip() == "1"


def _parsed(address: str) -> tuple[int, int]:
    """Return the IP version of an address, and its number."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return VERSIONS[family], int.from_bytes(socket.inet_pton(family, address), "big")


def _passes(link: Link, on: tuple[bool, ...], pods: tuple[tuple[int, int], ...] | None) -> bool:
    """Tell whether pods of a family have addresses of a bridge that does not judge that family."""
    states = zip((4, 6), on, link.judges, strict=True)
    off = [version for version, everywhere, here in states if not (everywhere or here)]
    if pods is None or not link.networks:
        return bool(off)
    return any(
        version in off and (version, number >> bits) in {(v, pod >> bits) for v, pod in pods}
        for version, number, bits in link.networks
    )
