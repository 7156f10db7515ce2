"""Words and sizes that rulesets share, and free text made fit for few bytes and no escapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..compiler.errors import InputError, error
from ..compiler.ir.match import Origin
from ..compiler.net import Protocol

PROTOCOL_WORD: Mapping[int, str] = {
    Protocol.ICMP: "icmp",
    Protocol.TCP: "tcp",
    Protocol.UDP: "udp",
    Protocol.ICMPV6: "ipv6-icmp",
    Protocol.SCTP: "sctp",
}
"""What nft, iptables and ipset alike call the protocols (protocols(5))."""

_SMALLEST_ROOM = 16
_UNSAFE = frozenset('"\\%')
_ELLIPSIS = "..."


def room(elements: int) -> int:
    """Return the size to declare for a set or map: a power of two, for twice as many elements.

    Declared sizes are hard caps, so there is room for as many again; powers of two, so that the
    size rarely changes when the elements do.
    """
    return max(_SMALLEST_ROOM, 1 << (2 * elements).bit_length())


def describe_origins(origins: Sequence[Origin]) -> str:
    """Return which policy rules a rule stands for: the first in full, of others the number."""
    first = _describe(origins[0])
    return f"{first} +{len(origins) - 1}" if len(origins) > 1 else first


def _describe(origin: Origin) -> str:
    if origin.rule is None:
        return f"{origin.tier} {origin.policy} {origin.direction} isolation"
    name = f" {origin.name}" if origin.name else ""
    return f"{origin.tier} {origin.policy} {origin.direction}[{origin.rule}]{name}"


def quotable(text: str, limit: int) -> str:
    """Return the text for a quoted string of at most ``limit`` bytes.

    Quotes, backslashes and control characters become ``%`` and their UTF-8 in hexadecimal, as in
    RFC 3986, because neither nft nor iptables-restore escapes them in a way that all versions read.
    """
    if len(text) <= limit and _is_plain(text):
        return text
    parts: list[str] = []
    used = 0
    for character in text:
        part = _escape(character)
        size = len(part.encode())
        if used + size > limit - len(_ELLIPSIS):
            return _fit(text, parts, limit)
        parts.append(part)
        used += size
    return "".join(parts)


def _is_plain(text: str) -> bool:
    """Tell at once of ASCII that stands for itself, as nearly every text does."""
    return text.isascii() and text.isprintable() and _UNSAFE.isdisjoint(text)


def _fit(text: str, parts: list[str], limit: int) -> str:
    """Return the whole text if its last few characters fit after all, else it cut short."""
    whole = "".join(map(_escape, text))
    return whole if len(whole.encode()) <= limit else "".join(parts) + _ELLIPSIS


def _escape(character: str) -> str:
    if character in _UNSAFE or not character.isprintable():
        return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
    return character


def unsupported(backend: str, what: str, origins: Iterable[Origin] = ()) -> InputError:
    """Return the error that names the policy rule; a weaker rule is never the answer."""
    listed = tuple(origins)
    where = f"{describe_origins(listed)}: " if listed else ""
    return InputError([error(f"{where}{backend} cannot express {what}")])
