"""The raw sockets of one namespace: they take in what passes its input hook and send packets.

A raw socket gets its copy behind the input hook (raw(7)), whatever the port, and needs no
listener: it sees exactly what a ruleset lets through to a local process.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator

from .namespaces import Namespace

_IPV6_HDRINCL = 36  # linux/in6.h
_BUFFER = 8 << 20
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h
_PKTINFO_SPACE = socket.CMSG_SPACE(20)


class Port:
    """One receiving socket: a namespace, a family, a protocol."""

    __slots__ = ("protocol", "socket", "where")

    def __init__(self, where: str, family: socket.AddressFamily, protocol: int) -> None:
        """Open the socket in the namespace of the calling thread."""
        self.where = where
        self.protocol = protocol
        self.socket = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        if family is socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)

    def received(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yield source, destination and what follows the IP header of all packets waiting."""
        read = self._read4 if self.socket.family is socket.AF_INET else self._read6
        while True:
            try:
                packet = read()
            except BlockingIOError:
                return
            yield packet

    def _read4(self) -> tuple[bytes, bytes, bytes]:
        data = self.socket.recv(2048)
        return data[12:16], data[16:20], data[(data[0] & 15) * 4 :]

    def _read6(self) -> tuple[bytes, bytes, bytes]:
        data, ancillary, _, sender = self.socket.recvmsg(2048, _PKTINFO_SPACE)
        source = socket.inet_pton(socket.AF_INET6, sender[0].partition("%")[0])
        return source, ancillary[0][2][:16], data


class Sender:
    """Sends whole IP packets out of one namespace, past its output hook."""

    def __init__(self) -> None:
        """Open the sockets in the namespace of the calling thread."""
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
        self._ipv4 = socket.socket(socket.AF_INET, kind, socket.IPPROTO_RAW)
        self._ipv6 = socket.socket(socket.AF_INET6, kind, socket.IPPROTO_RAW)
        self._ipv6.setsockopt(socket.IPPROTO_IPV6, _IPV6_HDRINCL, 1)
        for sender in (self._ipv4, self._ipv6):
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)

    def send(self, packet: bytes, interface: int = 0) -> bool:
        """Return False if the output hook dropped the packet (EPERM); OSError on other failures.

        ``interface`` is an index, needed for link-local and multicast destinations only.
        """
        try:
            if packet[0] >> 4 == 4:
                self._ipv4.sendto(packet, (socket.inet_ntop(socket.AF_INET, packet[16:20]), 0))
            else:
                destination = socket.inet_ntop(socket.AF_INET6, packet[24:40])
                self._ipv6.sendto(packet, (destination, 0, 0, interface))
        except PermissionError:
            return False
        return True

    def close(self) -> None:
        """Close both sockets."""
        self._ipv4.close()
        self._ipv6.close()


def open_ports(where: str, space: Namespace, protocols: Iterable[int]) -> list[Port]:
    """Return receiving sockets for the protocols in both families."""
    with space.entered():
        return [
            Port(where, family, protocol)
            for protocol in protocols
            for family in (socket.AF_INET, socket.AF_INET6)
        ]
