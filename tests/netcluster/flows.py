"""The packets of a probe: its request, the destination's answer, and the reading of both."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from . import packets
from .packets import ACK, ANSWER, MARKER_LENGTH, REQUEST, RST, SILENT, SYN, Ends
from .probes import ICMP, ICMPV6, SCTP, TCP, UDP

_ECHO_REQUEST = {ICMP: 8, ICMPV6: 128}
_ECHO_REPLY = {ICMP: 0, ICMPV6: 129}
_ERRORS = {ICMP: frozenset((3, 4, 11, 12)), ICMPV6: frozenset(range(128))}
_REDIRECTS = (5, 137)
# What other protocols start with: GRE (RFC 2784) makes of it an empty header, so that conntrack
# takes the packet for valid.
_OTHER_HEAD = bytes(4)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a received packet is to its flow: REQUEST, ANSWER, SILENT, "reset" or an ICMP error."""

    flow: int
    kind: bytes
    answer: str


def is_echo(protocol: int, address: bytes) -> bool:
    """Tell whether the protocol is ICMP of the address's own family."""
    return protocol == (ICMP if len(address) == 4 else ICMPV6)


def request(ends: Ends, protocol: int, ports: tuple[int, int], flow: int) -> bytes:
    """Return the first packet of a flow."""
    mark = packets.marker(flow, REQUEST)
    if protocol == TCP:
        body = packets.tcp(ends, ports, (flow, 0), SYN, mark)
    elif protocol == UDP:
        body = packets.udp(ends, ports, mark)
    elif protocol == SCTP:
        body = packets.sctp(ports, 0, packets.sctp_init(packets.SCTP_INIT, flow, mark))
    elif is_echo(protocol, ends[0]):
        echo = struct.pack("!HH", ports[0], 1) + mark
        body = packets.icmp(ends, (_ECHO_REQUEST[protocol], 0), echo)
    else:
        body = _OTHER_HEAD + mark
    return packets.ip(ends, protocol, body)


def answer(ends: Ends, protocol: int, body: bytes, flow: int) -> bytes | None:
    """Return the destination's answer to a request; None for an echo, which the kernel answers."""
    if is_echo(protocol, ends[0]):
        return None
    back = (ends[1], ends[0])
    mark = packets.marker(flow, ANSWER)
    ports = int.from_bytes(body[2:4], "big"), int.from_bytes(body[:2], "big")
    if protocol == TCP:
        numbers = (flow, (flow + 1 + MARKER_LENGTH) & 0xFFFFFFFF)
        reply = packets.tcp(back, ports, numbers, SYN | ACK, mark)
    elif protocol == UDP:
        reply = packets.udp(back, ports, mark)
    elif protocol == SCTP:
        chunk = packets.sctp_init(packets.SCTP_INIT_ACK, flow, mark)
        reply = packets.sctp(ports, flow, chunk)
    else:
        reply = _OTHER_HEAD + mark
    return packets.ip(back, protocol, reply)


def read(protocol: int, source: bytes, body: bytes) -> Reading | None:
    """Return what a packet says, None if it belongs to no probe; ``body`` follows its IP header."""
    found = packets.read_marker(body)
    if found is None:
        return _read_bare(protocol, body)
    flow, kind = found
    if is_echo(protocol, source):
        return _read_icmp(protocol, body, flow, kind)
    return Reading(flow, kind, "reply" if kind == ANSWER else "")


def _read_icmp(protocol: int, body: bytes, flow: int, kind: bytes) -> Reading | None:
    """Read an ICMP message; other types, such as a redirect, only quote a packet on its way."""
    if body[0] in _ERRORS[protocol]:
        return Reading(flow, kind, f"icmp {body[0]}.{body[1]}")
    if body[0] == _ECHO_REPLY[protocol]:
        return Reading(flow, ANSWER, "reply")
    if body[0] == _ECHO_REQUEST[protocol] or (kind == SILENT and body[0] not in _REDIRECTS):
        return Reading(flow, kind, "")
    return None


def _read_bare(protocol: int, body: bytes) -> Reading | None:
    """Read what kernels and rulesets answer without our payload: TCP resets, SCTP aborts."""
    if protocol == TCP and len(body) >= 20 and body[13] & (RST | ACK) == RST | ACK:
        acknowledged = int.from_bytes(body[8:12], "big")
        return Reading((acknowledged - 1 - MARKER_LENGTH) & 0xFFFFFFFF, ANSWER, "reset")
    if protocol == SCTP and len(body) > 12 and body[12] == packets.SCTP_ABORT:
        return Reading(int.from_bytes(body[4:8], "big"), ANSWER, "reset")
    return None
