"""Removes connections from a namespace by ctnetlink (linux/netfilter/nfnetlink_conntrack.h)."""

from __future__ import annotations

import errno
import os
import socket
import struct

_NETLINK_NETFILTER = 12  # linux/netlink.h
_CT_DELETE = 1 << 8 | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
_REQUEST_ACK = 1 | 4  # NLM_F_REQUEST, NLM_F_ACK
_NESTED = 0x8000  # NLA_F_NESTED
_TUPLE_ORIG, _TUPLE_IP, _TUPLE_PROTO = 1, 1, 2
_IP_KEYS = {4: (1, 2), 16: (3, 4)}  # CTA_IP_V4_SRC and _DST, CTA_IP_V6_SRC and _DST
_PROTO_NUM, _PROTO_PORTS = 1, (2, 3)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _tuple(source: bytes, destination: bytes, protocol: int) -> bytes:
    ip_keys = _IP_KEYS[len(source)]
    ends = _attribute(ip_keys[0], source) + _attribute(ip_keys[1], destination)
    proto = _attribute(_PROTO_NUM, bytes([protocol]))
    # GRE demands keys, which are 0 outside of PPTP; other protocols without ports ignore them.
    proto += b"".join(_attribute(key, bytes(2)) for key in _PROTO_PORTS)
    nested = _attribute(_TUPLE_IP | _NESTED, ends) + _attribute(_TUPLE_PROTO | _NESTED, proto)
    return _attribute(_TUPLE_ORIG | _NESTED, nested)


class Conntrack:
    """The connections of one namespace."""

    def __init__(self) -> None:
        """Open the netlink socket in the namespace of the calling thread."""
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)

    def flush(self) -> None:
        """Forget every connection; OSError if refused."""
        # A delete without a tuple is a flush, as `conntrack -F` sends it.
        self._delete(socket.AF_UNSPEC, b"")

    def forget(self, source: bytes, destination: bytes, protocol: int) -> None:
        """Forget the connection of a protocol without ports, whichever end began it."""
        family = socket.AF_INET if len(source) == 4 else socket.AF_INET6
        self._delete(family, _tuple(source, destination, protocol))
        self._delete(family, _tuple(destination, source, protocol))

    def close(self) -> None:
        """Close the netlink socket."""
        self._netlink.close()

    def _delete(self, family: int, attributes: bytes) -> None:
        body = struct.pack("=BBH", family, 0, 0) + attributes
        head = struct.pack("=IHHII", 16 + len(body), _CT_DELETE, _REQUEST_ACK, 1, 0)
        self._netlink.send(head + body)
        error = -struct.unpack_from("=i", self._netlink.recv(4096), 16)[0]
        if error not in (0, errno.ENOENT):
            raise OSError(error, f"conntrack: {os.strerror(error)}")
