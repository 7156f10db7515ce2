"""Ports and protocols of a rule, in the three spellings of the APIs."""

from __future__ import annotations

import re

from ...model.policy import NamedPort, PolicyPort, Ports
from ...net import MAX_PORT, PORT_PROTOCOLS, Protocol
from ..cursor import Cursor, ObjectCursor, Report
from ..hints.ports import WHOLE, for_port_name
from ..problems import quote

_PROTOCOLS = {item.name: item for item in PORT_PROTOCOLS}
_PROTOCOL_FIELDS = {name.lower(): item for name, item in _PROTOCOLS.items()}
_ANY = (0, MAX_PORT)
# IANA_SVC_NAME (RFC 6335 section 5.1) as apimachinery's IsValidPortName has it.
_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9](?:-?[a-z0-9])*\Z")
_MAX_PORT_NAME = 15


def decode_protocol_entry(field: Cursor) -> PolicyPort | None:
    """Return an entry of ``protocols`` in a released ClusterNetworkPolicy."""
    names = (*_PROTOCOL_FIELDS, "destinationNamedPort")
    fields = field.fields(*names)
    if fields is None:
        return None
    entry = fields.only(names)
    if entry is None:
        if fields.is_empty:
            _empty(field)
        return None
    key = entry.place.path[-1]
    if key == "destinationNamedPort":
        return _name(entry)
    attributes = entry.fields("destinationPort")
    if attributes is None:
        return None
    port = attributes.get("destinationPort")
    if port is None:
        if attributes.is_empty:
            entry.unknown("must say what it matches", f"all of its ports are {key}: {WHOLE}")
        return None
    interval = _destination_port(port)
    return None if interval is None else Ports(_PROTOCOL_FIELDS[str(key)], interval)


def decode_draft_port(field: Cursor) -> PolicyPort | None:
    """Return an entry of ``ports`` in a draft ClusterNetworkPolicy or an AdminNetworkPolicy.

    The schema of v1alpha1 knows neither the names of protocols nor the order of a range.
    """
    names = ("portNumber", "portRange", "namedPort")
    fields = field.fields(*names)
    if fields is None:
        return None
    entry = fields.only(names)
    if entry is None:
        if fields.is_empty:
            _empty(field)
        return None
    key = entry.place.path[-1]
    if key == "namedPort":
        return _name(entry)
    known = ("protocol", "port") if key == "portNumber" else ("protocol", "start", "end")
    parts = entry.fields(*known)
    if parts is None:
        return None
    protocol = parts.read("protocol", _draft_protocol, Protocol.TCP)
    if key == "portRange":
        interval = _range(parts, Cursor.unknown)
    else:
        number = parts.require("port")
        interval = None if number is None else _number(number)
    return None if interval is None else Ports(protocol, interval)


def decode_network_policy_port(field: Cursor) -> PolicyPort | None:
    """Return an entry of ``ports`` in a NetworkPolicy; without a port, any of the protocol."""
    fields = field.fields("protocol", "port", "endPort")
    if fields is None:
        return None
    if field.value is None:
        field.warning("null is read as any port of TCP", "the API reads it so")
    protocol = fields.read("protocol", decode_protocol, Protocol.TCP)
    port, end = fields.get("port"), fields.get("endPort")
    if port is None:
        if end is not None:
            end.error("needs 'port' to be set")
        return Ports(protocol, _ANY)
    if isinstance(port.value, str):
        if end is not None:
            end.error("needs 'port' to be a number")
        return _service_name(port, protocol)
    first = port.integer(1, MAX_PORT)
    last = first if end is None else end.integer(1, MAX_PORT)
    if first is None or last is None:
        return None
    if end is not None and last < first:
        end.error(f"must not be less than 'port', {first}")
    return Ports(protocol, (first, last))


def decode_protocol(field: Cursor) -> Protocol | None:
    """Return TCP, UDP or SCTP."""
    return field.choice(_PROTOCOLS)


def _draft_protocol(field: Cursor) -> Protocol | None:
    return field.choice(_PROTOCOLS, Cursor.unknown)


def _empty(field: Cursor) -> None:
    """Report an entry that says nothing."""
    field.unknown("must say what it matches", "an empty entry may stand for a field yet unknown")


def _name(field: Cursor) -> NamedPort | None:
    name = field.string()
    if name == "":
        _empty(field)
    return NamedPort(name) if name else None


def _service_name(field: Cursor, protocol: Protocol) -> NamedPort | None:
    name = field.string()
    if name is None:
        return None
    if len(name) > _MAX_PORT_NAME or not _PORT_NAME.match(name):
        field.error(f"{quote(name)} is not a port name", for_port_name(name))
        return None
    return NamedPort(name, protocol)


def _destination_port(field: Cursor) -> tuple[int, int] | None:
    fields = field.fields("number", "range")
    if fields is None:
        return None
    entry = fields.only(("number", "range"))
    if entry is None:
        if fields.is_empty:
            _empty(field)
        return None
    if entry.place.path[-1] == "number":
        return _number(entry)
    ends = entry.fields("start", "end")
    return None if ends is None else _range(ends, Cursor.error)


def _number(field: Cursor) -> tuple[int, int] | None:
    number = field.integer(1, MAX_PORT)
    return None if number is None else (number, number)


def _range(fields: ObjectCursor, report: Report) -> tuple[int, int] | None:
    start, end = fields.require("start"), fields.require("end")
    first = None if start is None else start.integer(1, MAX_PORT)
    last = None if end is None else end.integer(1, MAX_PORT)
    if first is None or last is None:
        return None
    if end is not None and first >= last:
        one = f"this is the one port {first}" if first == last else "the lower one comes first"
        report(end, f"must be greater than 'start', {first}", one)
    return (first, last)
