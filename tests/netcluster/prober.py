"""Sends probes, answers them where they arrive, and waits no longer than it must.

One epoll loop serves the sockets of all namespaces: the kernel carries a packet over veth pairs
within the send call, so that more processes would only add switches between them.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from . import flows, packets
from .conntrack import Conntrack
from .namespaces import Namespace
from .ports import Port, Sender, open_ports
from .probes import ICMP, ICMPV6, PORT_PROTOCOLS, Probe, Result, Sighting
from .topology import packed

_BURST = 32  # sends between two looks at the sockets: far below any queue's length
_QUIET = (0.025, 0.12)  # seconds without a packet that end the first and the second attempt
_FIRST_PORT, _LAST_PORT = 10000, 64999
# Seconds, longer than the conntrack time-outs that build sets for flows which are not kept up.
_PORT_REST = 5.0


@dataclass(slots=True)
class _Flight:
    """A probe on its way."""

    probe: Probe
    where: str
    source: bytes
    source_port: int = 0
    arrival: Sighting | None = None
    answer: str = ""
    answered_by: str = ""

    def result(self) -> Result:
        return Result(self.probe, self.arrival, self.answer, self.answered_by, self.source_port)


@dataclass(slots=True)
class _Injection:
    """A single packet and the places where it was seen."""

    sightings: list[Sighting] = field(default_factory=list)


class Prober:
    """Probes between namespaces; ``homes`` leads from every name to its namespace's name.

    Where a protocol has no ports to tell two flows apart, ``conntracks`` forget the earlier one.
    """

    def __init__(
        self,
        spaces: Mapping[str, Namespace],
        homes: Mapping[str, str],
        conntracks: Sequence[Conntrack],
    ) -> None:
        """Open the sockets of the protocols that rules name."""
        self._spaces = spaces
        self._homes = homes
        self._conntracks = conntracks
        self._senders: dict[str, Sender] = {}
        self._ports: dict[int, Port] = {}
        self._protocols: set[int] = set()
        self._epoll = select.epoll()
        self._flows: dict[int, _Flight | _Injection] = {}
        self._next_flow = 1
        self._next_port = _FIRST_PORT
        self._wrapped = -_PORT_REST
        self._portless: set[tuple[frozenset[bytes], int]] = set()
        self._unresolved = 0
        for name, space in spaces.items():
            with space.entered():
                self._senders[name] = Sender()
        self._listen((*PORT_PROTOCOLS, ICMP, ICMPV6))

    def close(self) -> None:
        """Close every socket."""
        for port in self._ports.values():
            port.socket.close()
        for sender in self._senders.values():
            sender.close()
        self._epoll.close()

    def probe(self, probes: Sequence[tuple[Probe, str]]) -> list[Result]:
        """Return the result of each probe, given with its source address, in order.

        What is not answered is sent once more as a new flow, so that a packet lost on a busy
        machine is not taken for a dropped one.
        """
        self._listen({probe.protocol for probe, _ in probes})
        flights = [_Flight(probe, self._homes[probe.source], packed(own)) for probe, own in probes]
        for quiet in _QUIET:
            self._send_all([flight for flight in flights if not flight.answer], quiet)
        self._flows.clear()
        return [flight.result() for flight in flights]

    def inject(
        self, source: str, build: Callable[[bytes], bytes], interface: int = 0
    ) -> list[Sighting]:
        """Return where one packet, that ``build`` makes around a marker, was seen; not resent."""
        injection = _Injection()
        flow = self._register(injection)
        packet = build(packets.marker(flow, packets.SILENT))
        self._unresolved = 1
        self._senders[self._homes[source]].send(packet, interface)
        self._drain(_QUIET[-1])
        self._flows.clear()
        return injection.sightings

    def _listen(self, protocols: Sequence[int] | set[int]) -> None:
        missing = sorted(set(protocols) - self._protocols)
        if not missing:
            return
        self._protocols.update(missing)
        for name, space in self._spaces.items():
            for port in open_ports(name, space, missing):
                self._ports[port.socket.fileno()] = port
                self._epoll.register(port.socket, select.EPOLLIN)

    def _send_all(self, flights: Sequence[_Flight], quiet: float) -> None:
        self._unresolved = len(flights)
        self._portless.clear()
        for start in range(0, len(flights), _BURST):
            for flight in flights[start : start + _BURST]:
                self._launch(flight)
            self._drain(0)
        self._drain(quiet)

    def _launch(self, flight: _Flight) -> None:
        probe = flight.probe
        destination = packed(probe.destination)
        if probe.protocol not in PORT_PROTOCOLS and not flows.is_echo(probe.protocol, destination):
            self._forget(flight.source, destination, probe.protocol)
        flight.source_port = self._take_port()
        flow = self._register(flight)
        ports = (flight.source_port, probe.port)
        packet = flows.request((flight.source, destination), probe.protocol, ports, flow)
        self._senders[flight.where].send(packet)

    def _register(self, owner: _Flight | _Injection) -> int:
        flow = self._next_flow
        self._next_flow = flow + 1
        self._flows[flow] = owner
        return flow

    def _take_port(self) -> int:
        """Return a source port that no flow still known to conntrack has."""
        port = self._next_port
        if port == _FIRST_PORT:
            self._drain_until(self._wrapped + _PORT_REST)
            self._wrapped = time.monotonic()
        self._next_port = port + 1 if port < _LAST_PORT else _FIRST_PORT
        return port

    def _forget(self, source: bytes, destination: bytes, protocol: int) -> None:
        """Make a flow new although it looks like an earlier one, once that one is over."""
        key = (frozenset((source, destination)), protocol)
        if key in self._portless:
            self._drain(_QUIET[0])
        self._portless.add(key)
        for conntrack in self._conntracks:
            conntrack.forget(source, destination, protocol)

    def _drain_until(self, end: float) -> None:
        while (left := end - time.monotonic()) > 0:
            self._take_in(left)

    def _drain(self, quiet: float) -> None:
        """Take in packets until none came for ``quiet`` seconds, or nothing is waited for."""
        while self._unresolved or not quiet:
            began = time.monotonic()
            if self._take_in(quiet):
                continue
            # A wait that overslept shows a busy machine, on which packets are late as well.
            if not quiet or time.monotonic() - began < 2 * quiet:
                return

    def _take_in(self, timeout: float) -> bool:
        events = self._epoll.poll(timeout, 256)
        for descriptor, _ in events:
            port = self._ports[descriptor]
            for source, destination, body in port.received():
                self._receive(port, source, destination, body)
        return bool(events)

    def _receive(self, port: Port, source: bytes, destination: bytes, body: bytes) -> None:
        reading = flows.read(port.protocol, source, body)
        owner = self._flows.get(reading.flow) if reading else None
        if reading is None or owner is None:
            return
        if isinstance(owner, _Injection):
            owner.sightings.append(_sighting(port, source, destination, body))
        elif reading.kind == packets.REQUEST and not reading.answer:
            owner.arrival = owner.arrival or _sighting(port, source, destination, body)
            reply = flows.answer((source, destination), port.protocol, body, reading.flow)
            if reply:
                self._senders[port.where].send(reply)
        elif reading.answer and port.where == owner.where and not owner.answer:
            owner.answer = reading.answer
            owner.answered_by = _text(source)
            self._unresolved -= 1


def _sighting(port: Port, source: bytes, destination: bytes, body: bytes) -> Sighting:
    return Sighting(port.where, port.protocol, _text(source), _text(destination), body)


def _text(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)
