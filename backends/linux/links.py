"""The network devices of this namespace and their addresses, by rtnetlink(7)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .netlink import DUMP, REQUEST, attributes

VERSIONS: Mapping[int, int] = {socket.AF_INET: 4, socket.AF_INET6: 6}

_GET_LINK, _GET_ADDRESS = 18, 22  # RTM_GETLINK, RTM_GETADDR
_HEAD = struct.Struct("=IHHII")
_LINK, _ADDRESS = struct.Struct("=BxHiII"), struct.Struct("=BBBBI")  # ifinfomsg, ifaddrmsg
_ERROR, _DONE = 2, 3
_NAME, _MASTER, _INFO = 3, 10, 18  # IFLA_*
_INFO_KIND, _INFO_DATA = 1, 2
_CALLS_IPTABLES, _CALLS_IP6TABLES = 36, 37  # IFLA_BR_NF_CALL_*
_LOCAL, _PREFIX = 2, 1  # IFA_*
_BUFFER = 1 << 18


@dataclass(slots=True)
class Link:
    """A device."""

    name: str
    kind: str
    """``bridge``, ``veth``, ``macvlan`` and so on; empty for hardware."""
    master: int
    """The number of the bridge that it is a port of, or 0."""
    judges: tuple[bool, bool]
    """Of a bridge: whether it gives its frames of IPv4 and IPv6 to the packet filters by itself."""
    networks: list[tuple[int, int, int]] = field(default_factory=list)
    """Of each address its IP version, its number, and how many bits its network leaves open."""


def links() -> Mapping[int, Link]:
    """Return the devices by number; none where the kernel does not tell."""
    try:
        found = dict(map(_link, _ask(_GET_LINK)))
        for body in _ask(_GET_ADDRESS):
            family, length, _, _, number = _ADDRESS.unpack_from(body)
            told = attributes(body[_ADDRESS.size :])
            value = told.get(_LOCAL) or told.get(_PREFIX)
            version = VERSIONS.get(family)
            if value and version and number in found:
                open_bits = 8 * len(value) - length
                network = (version, int.from_bytes(value, "big"), open_bits)
                found[number].networks.append(network)
    except OSError:
        return {}
    return found


def _link(body: bytes) -> tuple[int, Link]:
    _, _, number, _, _ = _LINK.unpack_from(body)
    told = attributes(body[_LINK.size :])
    info = attributes(told.get(_INFO, b""))
    data = attributes(info.get(_INFO_DATA, b""))
    kind = info.get(_INFO_KIND, b"").rstrip(b"\0").decode(errors="replace")
    calls = (data.get(_CALLS_IPTABLES, b"\0"), data.get(_CALLS_IP6TABLES, b"\0"))
    judges = (calls[0] != b"\0", calls[1] != b"\0") if kind == "bridge" else (False, False)
    name = told[_NAME].rstrip(b"\0").decode(errors="replace")
    master = int.from_bytes(told.get(_MASTER, b""), "little")
    return number, Link(name, kind, master, judges)


def _ask(kind: int) -> Iterator[bytes]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asked:
        payload = _LINK.pack(0, 0, 0, 0, 0)
        asked.send(_HEAD.pack(_HEAD.size + len(payload), kind, REQUEST | DUMP, 1, 0) + payload)
        while True:
            data = asked.recv(_BUFFER)
            place = 0
            while place + _HEAD.size <= len(data):
                length, answer, _, _, _ = _HEAD.unpack_from(data, place)
                if answer == _DONE:
                    return
                if answer == _ERROR:
                    (number,) = struct.unpack_from("=i", data, place + _HEAD.size)
                    raise OSError(-number, "rtnetlink")
                yield data[place + _HEAD.size : place + length]
                place += (length + 3) & ~3
