"""A router in a network namespace of its own, and the CPU time that forwarding a packet takes.

A write(2) of a packet to a TUN device returns when the packet was routed out: the whole way,
conntrack and the forward hook included, runs within the system call, so that the CPU time of the
writing thread is the packet's. The way out is a TUN device that nothing is attached to, whose queue
drops at once. What the loop and the call itself take is measured by the same writes to /dev/null,
and subtracted.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Self

from netcluster.conntrack import Conntrack
from netcluster.namespaces import Namespace, write_sysctls
from side_by_side import Switch

_TUNSETIFF = 0x400454CA  # linux/if_tun.h
_IFF_TUN_NO_PI = 0x0001 | 0x1000
_INSIDE, _OUTSIDE = "inside", "outside"
_SYSCTLS = (
    ("ipv4/ip_forward", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
    # Network cards check TCP's sums before the kernel sees a packet; a TUN device does not.
    ("netfilter/nf_conntrack_checksum", "0"),
)
SYN, SYN_ACK, ACK = 0x02, 0x12, 0x10
_TCP = 6
_PACKET = 40  # bytes, of which there is no data


@dataclass(frozen=True, slots=True)
class Connection:
    """A TCP connection, told from others by its source port too."""

    source: IPv4Address
    destination: IPv4Address
    source_port: int
    port: int

    def packet(self, flags: int) -> bytes:
        """Return a packet of the one who opens it."""
        return _packet(self, flags, 1000 + (flags != SYN), 2001 * (flags != SYN))

    def answer(self) -> bytes:
        """Return the packet by which the other end accepts it."""
        turned = Connection(self.destination, self.source, self.port, self.source_port)
        return _packet(turned, SYN_ACK, 2000, 1001)


class Router:
    """A namespace that forwards all that is written to it, if the ruleset in force lets it."""

    def __init__(self, rulesets: Mapping[str, Switch]) -> None:
        """Load the rulesets, none of them in force; the devices are up when this returns."""
        self._rulesets = rulesets
        self._space = Namespace()
        with self._space.entered():
            self._tun = _open_tun()
            write_sysctls(_SYSCTLS)
            self._conntrack = Conntrack()
        self._space.run(("ip", "-batch", "-"), _DEVICES)
        for ruleset in rulesets.values():
            ruleset.load(self._space)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the namespace."""
        os.close(self._tun)
        self._conntrack.close()
        self._space.close()

    @contextmanager
    def in_force(self, name: str) -> Iterator[None]:
        """Have a ruleset in force for a while."""
        self._rulesets[name].turn(self._space, on=True)
        yield
        self._rulesets[name].turn(self._space, on=False)

    def forget(self) -> None:
        """Remove every connection."""
        self._conntrack.flush()

    def forward(self, packets: Sequence[bytes]) -> float:
        """Forward the packets and return the nanoseconds that one took, the calls included."""
        return _write_all(self._tun, packets)

    def forwarded(self) -> int:
        """Return how many packets have left so far; counted behind the forward hook (RFC 4293)."""
        with self._space.entered():
            lines = Path("/proc/thread-self/net/netstat").read_text().splitlines()
        names, values = (line.split() for line in lines if line.startswith("IpExt:"))
        return int(dict(zip(names, values, strict=True))["OutOctets"]) // _PACKET


def overhead(packets: Sequence[bytes]) -> float:
    """Return the nanoseconds of a write that goes nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        return _write_all(null, packets)
    finally:
        os.close(null)


_DEVICES = f"""\
tuntap add dev {_OUTSIDE} mode tun
link set {_OUTSIDE} up
addr add 192.0.2.1/32 dev {_OUTSIDE}
link set {_INSIDE} up
route add default dev {_OUTSIDE}
"""


def _open_tun() -> int:
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", _INSIDE.encode(), _IFF_TUN_NO_PI))
    return tun


def _write_all(descriptor: int, packets: Sequence[bytes]) -> float:
    write = os.write
    before = time.thread_time_ns()
    for packet in packets:
        write(descriptor, packet)
    return (time.thread_time_ns() - before) / len(packets)


def _packet(connection: Connection, flags: int, sequence: int, acknowledged: int) -> bytes:
    ports = (connection.source_port, connection.port)
    tcp = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, flags, 65535, 0, 0)
    ends = connection.source.packed + connection.destination.packed
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, _TCP, 0) + ends
    return head[:10] + _checksum(head) + head[12:] + tcp


def _checksum(head: bytes) -> bytes:
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF)
