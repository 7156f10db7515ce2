"""Packets through the forward hook as fast as one process can, counted on both sides of a table.

A write to a TUN device runs the whole forward path inside that system call. Two chains count what
reaches the hook and what passes it, by the packets' source port, so that nothing that a queue might
drop comes into the numbers.
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Event

from cnpc.compiler.ir.interpreter import Packet
from cnpc.compiler.net import Family
from netcluster.namespaces import run, write_sysctls

ALLOWED, DENIED = 1000, 2000
_TUNSETIFF = 0x400454CA  # linux/if_tun.h
_IFF_TUN_NO_PI = 0x0001 | 0x1000
_CLASSES = ((ALLOWED, "allowed"), (DENIED, "denied"))


def _chain(name: str, priority: int) -> str:
    rules = "".join(f"udp sport {port} counter name {what}_{name}\n" for port, what in _CLASSES)
    return (
        f"chain {name} {{ type filter hook forward priority {priority}; policy accept;\n{rules}}}"
    )


_COUNTERS = "\n".join(f"counter {what}_{side} {{ }}" for _, what in _CLASSES for side in ("b", "a"))
COUNTING = f"table inet counting {{\n{_COUNTERS}\n{_chain('b', -200)}\n{_chain('a', 200)}\n}}\n"


@dataclass(frozen=True, slots=True)
class Count:
    """What reached the hook, what of it was lost, and what leaked."""

    sent: int
    lost: int
    leaked: int


class Traffic:
    """Sends the packets over and over, in the network namespace of the caller."""

    def __init__(self, allowed: Sequence[Packet], denied: Sequence[Packet], senders: int) -> None:
        """Start; every packet of the two kinds is sent equally often."""
        self._sink = _open("sink")  # nobody reads it: what is full drops, behind the hook
        run(("ip", "route", "add", "default", "dev", "sink"))
        run(("ip", "-6", "route", "add", "default", "dev", "sink"))
        _forward()
        run(("nft", "-f", "-"), COUNTING)
        packets = [_datagram(item, ALLOWED) for item in allowed]
        packets += [_datagram(item, DENIED) for item in denied]
        self._end = multiprocessing.Event()
        self._senders = [
            multiprocessing.Process(target=_send, args=(f"traffic{i}", packets, self._end))
            for i in range(senders)
        ]
        for sender in self._senders:
            sender.start()

    def stop(self) -> Count:
        """End the traffic, and return the count of all of it."""
        self._end.set()
        for sender in self._senders:
            sender.join()
        os.close(self._sink)
        counters = json.loads(run(("nft", "-j", "list", "counters")))["nftables"]
        found = {
            item["counter"]["name"]: item["counter"]["packets"]
            for item in counters
            if "counter" in item
        }
        lost = found["allowed_b"] - found["allowed_a"]
        return Count(found["allowed_b"] + found["denied_b"], lost, found["denied_a"])


def _forward() -> None:
    write_sysctls(
        [
            ("ipv4/ip_forward", "1"),
            ("ipv4/conf/all/rp_filter", "0"),
            ("ipv4/conf/default/rp_filter", "0"),
            ("ipv6/conf/all/forwarding", "1"),
            ("ipv6/conf/default/accept_dad", "0"),
        ]
    )


def _open(device: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH14x", device.encode(), _IFF_TUN_NO_PI))
    run(("ip", "link", "set", device, "up"))
    write_sysctls([(f"ipv4/conf/{device}/rp_filter", "0")])
    return descriptor


def _send(device: str, packets: list[bytes], end: Event) -> None:
    descriptor = _open(device)
    write = os.write
    while not end.is_set():
        for packet in packets:
            write(descriptor, packet)


def _datagram(packet: Packet, source_port: int) -> bytes:
    """Return a UDP datagram with the packet's addresses and destination port."""
    body = struct.pack(">HHHH", source_port, packet.dport or 9, 8, 0)
    if packet.family is Family.IPV4:
        addresses = packet.saddr.to_bytes(4, "big") + packet.daddr.to_bytes(4, "big")
        head = struct.pack(">BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + addresses
        return head[:10] + struct.pack(">H", _checksum(head)) + head[12:] + body
    addresses = packet.saddr.to_bytes(16, "big") + packet.daddr.to_bytes(16, "big")
    pseudo = addresses + struct.pack(">IHBB", 8, 0, 0, 17)
    total = struct.pack(">H", _checksum(pseudo + body))
    head = struct.pack(">IHBB", 0x60000000, 8, 17, 64)
    return head + addresses + body[:6] + total


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
