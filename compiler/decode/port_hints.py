"""What to write for ports and protocols that are written otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .flow_style import flow

PROTOCOLS = ("tcp", "udp", "sctp")
"""The fields of a released ClusterNetworkPolicy that name a protocol."""

WHOLE = "{destinationPort: {range: {start: 1, end: 65535}}}"
"""All ports of a protocol, as a released ClusterNetworkPolicy says it."""

_RANGE = re.compile(r"\s*(\d{1,5})\s*[-:]\s*(\d{1,5})\s*\Z")


def for_entry(text: str, known: Sequence[str]) -> str:
    """Return the hint for a protocol or port alone, where a mapping is an entry."""
    protocol, port = (text.upper(), "80") if text.lower() in PROTOCOLS else ("TCP", text)
    if "endPort" in known:
        named = f"{{protocol: {protocol}}}"
        return f"write {named}" if port != text else f"write {{protocol: TCP, port: {text}}}"
    if port != text:  # the whole protocol
        both = "start: 1, end: 65535"
        if "portRange" in known:
            return f"for all of its ports: portRange: {{protocol: {protocol}, {both}}}"
        return f"for all of its ports: {text.lower()}: {WHOLE}"
    if "portNumber" in known:
        return f"write portNumber: {{protocol: TCP, port: {text}}}"
    if "destinationNamedPort" in known:
        return f"write tcp: {{destinationPort: {port_words(text)}}}"
    return ""


def for_port(name: str, value: object) -> str:
    """Return the hint for a port that stands where a mapping says which."""
    if isinstance(value, list):
        if name == "range" and len(value) == 2:  # noqa: PLR2004 - start and end
            return f"write range: {{start: {flow(value[0])}, end: {flow(value[1])}}}"
        return "an entry for each port"
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    text = str(value)
    span = _RANGE.match(text)
    if name in ("portNumber", "portRange"):
        if span:
            return f"write portRange: {{protocol: TCP, start: {span[1]}, end: {span[2]}}}"
        return f"write portNumber: {{protocol: TCP, port: {text}}}"
    if name == "range":
        return f"write range: {{start: {span[1]}, end: {span[2]}}}" if span else ""
    if not span and not text.isdecimal():
        return f"a name is the whole entry: destinationNamedPort: {text}"
    words = port_words(text)
    return f"write {name}: " + (
        words if name == "destinationPort" else f"{{destinationPort: {words}}}"
    )


def port_words(text: str) -> str:
    """Return a port or a range of ports as ``destinationPort`` has it."""
    span = _RANGE.match(text)
    return f"{{range: {{start: {span[1]}, end: {span[2]}}}}}" if span else f"{{number: {text}}}"


def for_port_number(name: str, value: object) -> str:
    """Return the hint for what is no whole number."""
    if not isinstance(value, str):
        return ""
    if value.strip().isdecimal():
        return f"write the number without quotes: {value.strip()}"
    span = _RANGE.match(value)
    if name == "number":
        if span:
            return f"write destinationPort: {port_words(value)}"
        return f"a name is the whole entry: destinationNamedPort: {value}" if value else ""
    if name == "port" and span:
        return f"write portRange: {{protocol: TCP, start: {span[1]}, end: {span[2]}}}"
    return f"a name is the whole entry: namedPort: {value}" if name == "port" and value else ""


def for_port_name(text: str) -> str:
    """Return the hint for text that is not the name of a port of a NetworkPolicy."""
    if text.isdecimal():
        return "write the number without quotes"
    if span := _RANGE.match(text):
        return f"write port: {span[1]}, endPort: {span[2]}"
    if "," in text:
        return "an entry for each port"
    return "at most 15 lower-case letters, digits and '-', at least one letter"
