"""Packets as bytes. Each carries a marker in its payload, by which it is known wherever it shows.

Layouts: RFC 791 (IPv4), 8200 (IPv6), 9293 (TCP), 768 (UDP), 9260 (SCTP), 792 and 4443 (ICMP).
"""

from __future__ import annotations

import struct

MAGIC = b"\xcf\x9anp"
REQUEST, ANSWER, SILENT = b"?", b"!", b"."
MARKER_LENGTH = 12

FIN, SYN, RST, ACK = 1, 2, 4, 16
_HOPS = 64

Ends = tuple[bytes, bytes]
"""Source and destination address, of one family."""

_SCTP_MARKER = 0x8FFF  # an unassigned parameter of the class "skip, do not report" (section 3.2.1)
_SCTP_COOKIE = 7
SCTP_INIT, SCTP_INIT_ACK, SCTP_ABORT = 1, 2, 6


def marker(flow: int, kind: bytes) -> bytes:
    """Return the payload that names a flow; the kind tells whether it asks for an answer."""
    return struct.pack("!4sIc3x", MAGIC, flow, kind)


def read_marker(data: bytes) -> tuple[int, bytes] | None:
    """Return flow and kind of the first marker in a packet, None if it has none."""
    at = data.find(MAGIC)
    if at < 0 or at + 9 > len(data):
        return None
    return int.from_bytes(data[at + 4 : at + 8], "big"), data[at + 8 : at + 9]


def ip(ends: Ends, protocol: int, body: bytes) -> bytes:
    """Return an IP packet of the addresses' family (the kernel fills in IPv4's checksum)."""
    if len(ends[0]) == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, _HOPS, protocol, 0)
    else:
        head = struct.pack("!IHBB", 6 << 28, len(body), protocol, _HOPS)
    return head + ends[0] + ends[1] + body


def tcp(
    ends: Ends, ports: tuple[int, int], numbers: tuple[int, int], flags: int, payload: bytes
) -> bytes:
    """Return a TCP segment; ``ports`` and ``numbers`` (sequence, acknowledgement) are pairs."""
    head = struct.pack("!HHIIBBHHH", *ports, *numbers, 5 << 4, flags, 65535, 0, 0)
    checksum = _transport_checksum(ends, 6, head + payload)
    return head[:16] + checksum + head[18:] + payload


def udp(ends: Ends, ports: tuple[int, int], payload: bytes) -> bytes:
    """Return a UDP datagram."""
    head = struct.pack("!HHHH", *ports, 8 + len(payload), 0)
    checksum = _transport_checksum(ends, 17, head + payload)
    return head[:6] + (b"\xff\xff" if checksum == b"\0\0" else checksum) + payload


def sctp(ports: tuple[int, int], tag: int, chunk: bytes) -> bytes:
    """Return an SCTP packet with one chunk."""
    head = struct.pack("!HHI", *ports, tag)
    return head + struct.pack("<I", _crc32c(head + bytes(4) + chunk)) + chunk


def sctp_init(chunk_type: int, tag: int, payload: bytes) -> bytes:
    """Return an INIT or INIT ACK chunk with the payload as a parameter."""
    kind = _SCTP_COOKIE if chunk_type == SCTP_INIT_ACK else _SCTP_MARKER
    parameter = struct.pack("!HH", kind, 4 + len(payload)) + payload
    fixed = struct.pack("!IIHHI", tag, 65535, 1, 1, tag)
    return struct.pack("!BBH", chunk_type, 0, 4 + len(fixed) + len(parameter)) + fixed + parameter


def icmp(ends: Ends, kind: tuple[int, int], rest: bytes) -> bytes:
    """Return an ICMP or ICMPv6 message: ``kind`` is type and code, ``rest`` what follows."""
    message = struct.pack("!BBH", *kind, 0) + rest
    if len(ends[0]) == 4:
        return message[:2] + _checksum(message) + rest
    return message[:2] + _transport_checksum(ends, 58, message) + rest


def _transport_checksum(ends: Ends, protocol: int, body: bytes) -> bytes:
    return _checksum(ends[0] + ends[1] + struct.pack("!II", len(body), protocol) + body)


def _checksum(data: bytes) -> bytes:
    padded = data + b"\0" if len(data) % 2 else data
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")


def _crc32c_row(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value


_CRC32C = tuple(_crc32c_row(value) for value in range(256))


def _crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for octet in data:
        value = _CRC32C[(value ^ octet) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF
