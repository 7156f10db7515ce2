"""Match conditions of the IR: packet fields, and what a rule compares."""

from __future__ import annotations

from msgspec import Struct

from ..net import Family, Interval, Protocol, Symbol


class Hook(Symbol):
    """Where a base chain is called: for forwarded packets, or for those to the node itself."""

    FORWARD = "forward"
    INPUT = "input"


class State(Symbol):
    """What connection tracking says of a packet (nft(8), CONNTRACK EXPRESSIONS)."""

    NEW = "new"
    ESTABLISHED = "established"
    RELATED = "related"
    INVALID = "invalid"
    UNTRACKED = "untracked"


class KeyType(Symbol):
    """What one part of a set's or map's key holds."""

    ADDRESS = "address"
    PROTOCOL = "protocol"
    PORT = "port"


class Field(Symbol):
    """What of a packet is compared."""

    SADDR = "saddr"
    DADDR = "daddr"
    PROTOCOL = "protocol"
    DPORT = "dport"

    @property
    def type(self) -> KeyType:
        """The type of the field's values."""
        return _FIELD_TYPES[self]


SERVICE_FIELDS = (Field.PROTOCOL, Field.DPORT)
"""What of a packet is the service that it asks for."""

_FIELD_TYPES = {
    Field.SADDR: KeyType.ADDRESS,
    Field.DADDR: KeyType.ADDRESS,
    Field.PROTOCOL: KeyType.PROTOCOL,
    Field.DPORT: KeyType.PORT,
}


Key = tuple[Interval, ...]
"""One element of a set or map: an interval for each part of its key."""


class Origin(Struct, frozen=True, gc=False):
    """Which policy rule an IR rule came from; ``rule`` None is an isolation's closing deny."""

    tier: str
    policy: str
    direction: str
    rule: int | None = None
    name: str = ""


class AddressMatch(Struct, frozen=True, gc=False):
    """The address lies within one of the intervals, which are in normal form."""

    field: Field
    family: Family
    intervals: tuple[Interval, ...]


class SetMatch(Struct, frozen=True, gc=False):
    """The fields together are an element of the named set."""

    fields: tuple[Field, ...]
    set: str


class PortMatch(Struct, frozen=True, gc=False):
    """The packet has the protocol, and its destination port lies within the normal intervals.

    The interval of all ports asks for the protocol alone.
    """

    protocol: Protocol
    ports: tuple[Interval, ...]


class ProtocolMatch(Struct, frozen=True, gc=False):
    """The packet has one of the protocols."""

    protocols: tuple[Protocol, ...]


class StateMatch(Struct, frozen=True, gc=False):
    """Connection tracking says one of the states."""

    states: tuple[State, ...]


class Icmp6TypeMatch(Struct, frozen=True, gc=False):
    """The packet is ICMPv6 of one of the types, a normal list of intervals."""

    types: tuple[Interval, ...]


PlainMatch = AddressMatch | PortMatch | ProtocolMatch | StateMatch | Icmp6TypeMatch
"""What a packet alone decides, without the program's sets."""

Match = PlainMatch | SetMatch
