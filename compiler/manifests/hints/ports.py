"""What to write for ports and protocols that are written otherwise, such as ``80/tcp``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

PROTOCOLS = ("tcp", "udp", "sctp")
"""The fields of a released ClusterNetworkPolicy that name a protocol."""

WHOLE = "{destinationPort: {range: {start: 1, end: 65535}}}"
"""All ports of a protocol, as a released ClusterNetworkPolicy says it."""

_NAMES = "at most 15 lower-case letters, digits and '-', at least one letter"
_EACH = "an entry for each port"
_PROTOCOL = "tcp|udp|sctp"
_PORT = rf"(?:({_PROTOCOL})[/: ])?(\d{{1,5}})(?: ?[-:] ?(\d{{1,5}}))?(?:[/ ]({_PROTOCOL}))?"


class _Said(NamedTuple):
    """What a text says: a port, a range of ports, or the name of a port."""

    protocol: str
    start: str
    end: str | None
    name: str

    def network_policy(self) -> str:
        """Return it as an entry of a NetworkPolicy."""
        end = f", endPort: {self.end}" if self.end else ""
        return f"{{protocol: {self.protocol}, port: {self.name or self.start}{end}}}"

    def draft(self) -> str:
        """Return it as an entry of an AdminNetworkPolicy."""
        if self.name:
            return f"namedPort: {self.name}"
        if self.end:
            return f"portRange: {{protocol: {self.protocol}, start: {self.start}, end: {self.end}}}"
        return f"portNumber: {{protocol: {self.protocol}, port: {self.start}}}"

    def released(self) -> str:
        """Return it as an entry of a released ClusterNetworkPolicy."""
        if self.name:
            return f"destinationNamedPort: {self.name}"
        return f"{self.protocol.lower()}: {{destinationPort: {self.port()}}}"

    def port(self) -> str:
        """Return the port alone, as ``destinationPort`` has it."""
        if self.end:
            return f"{{range: {{start: {self.start}, end: {self.end}}}}}"
        return f"{{number: {self.start}}}"


def _read(value: object, protocol: str = "TCP") -> _Said | None:
    """Return what text or a number says; None for anything else, and for lists of ports."""
    text = str(value).strip()
    if not isinstance(value, str | int) or isinstance(value, bool) or not text or "," in text:
        return None
    match = re.fullmatch(_PORT, text, re.IGNORECASE)
    if match is None:
        return _Said(protocol, "", None, text)
    return _Said((match[1] or match[4] or protocol).upper(), match[2], match[3], "")


def for_entry(value: object, known: Sequence[str]) -> str:
    """Return the hint for a protocol or port alone, where a mapping is an entry."""
    text, said = str(value), _read(value)
    if text.lower() in PROTOCOLS:
        return _whole(text, known)
    if said is None:
        return _EACH if isinstance(value, str) else ""
    if "endPort" in known:
        return f"write {said.network_policy()}"
    return f"write {said.draft() if 'portNumber' in known else said.released()}"


def _whole(protocol: str, known: Sequence[str]) -> str:
    if "endPort" in known:
        return f"write {{protocol: {protocol.upper()}}}"
    if "portRange" in known:
        words = f"portRange: {{protocol: {protocol.upper()}, start: 1, end: 65535}}"
        return f"for all of its ports: {words}"
    return f"for all of its ports: {protocol.lower()}: {WHOLE}"


def for_port(name: str, value: object) -> str:
    """Return the hint for what stands where a field of that name has a mapping."""
    if isinstance(value, list):
        text = "-".join(map(str, value)) if name in ("range", "portRange") else ""
        said = _read(text) if len(value) == 2 else None  # noqa: PLR2004 - start and end
    else:
        said = _read(value, name.upper() if name in PROTOCOLS else "TCP")
    if said is None:
        return _EACH if isinstance(value, list) else ""
    if name in ("portNumber", "portRange"):
        return f"write {said.draft()}"
    if name == "range":
        return f"write {said.port()[1:-1]}" if said.end else ""
    if said.name:
        return f"a name is the whole entry: {said.released()}"
    return (
        f"write destinationPort: {said.port()}"
        if name == "destinationPort"
        else (f"write {said.released()}")
    )


def for_port_number(name: str, value: object) -> str:
    """Return the hint for what is no whole number, where a field of that name has one."""
    if not isinstance(value, str):
        return ""
    if value.strip().isdecimal():
        return f"write the number without quotes: {value.strip()}"
    said = _read(value)
    if said is None or name not in ("number", "port"):
        return _EACH if "," in value else ""
    if said.name:
        whole = said.released() if name == "number" else said.draft()
        return f"a name is the whole entry: {whole}"
    return f"write destinationPort: {said.port()}" if name == "number" else f"write {said.draft()}"


def for_port_name(text: str) -> str:
    """Return the hint for text that is not the name of a port of a NetworkPolicy."""
    if text.isdecimal():
        return "write the number without quotes"
    said = _read(text)
    if said is None:
        return _EACH if "," in text else _NAMES
    words = said.network_policy()[1:-1]
    return _NAMES if said.name else f"write {words.removeprefix('protocol: TCP, ')}"
