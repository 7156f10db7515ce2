"""What the oracle is asked, and what it answers."""

from __future__ import annotations

import enum
from dataclasses import dataclass

ICMP, TCP, UDP, ICMPV6, SCTP = 1, 6, 17, 58, 132
PROTOCOL_NUMBERS = {"TCP": TCP, "UDP": UDP, "SCTP": SCTP}
PROTOCOL_NAMES = {ICMP: "ICMP", TCP: "TCP", UDP: "UDP", ICMPV6: "ICMPv6", SCTP: "SCTP"}

Direction = str  # "ingress" or "egress"


class State(enum.Enum):
    """What connection tracking says of a packet."""

    NEW = "new"
    ESTABLISHED = "established"
    RELATED = "related"
    INVALID = "invalid"
    UNTRACKED = "untracked"


@dataclass(frozen=True, slots=True)
class Flow:
    """A packet as the node sees it: destination after DNAT, source before SNAT.

    ``sender`` and ``receiver`` name the node whose own process sends or gets the packet, where the
    address does not tell (a local address that is not among the node's status addresses). A pod's
    packet to itself leaves the pod only ``through_service``.
    """

    source: str
    destination: str
    protocol: int
    port: int | None = None
    icmp_type: int | None = None
    state: State = State.NEW
    sender: str | None = None
    receiver: str | None = None
    through_service: bool = False

    def __str__(self) -> str:
        protocol = PROTOCOL_NAMES.get(self.protocol, f"protocol {self.protocol}")
        parts = [f"{self.source} -> {self.destination} {protocol}"]
        if self.port is not None:
            parts.append(f"port {self.port}")
        if self.icmp_type is not None:
            parts.append(f"type {self.icmp_type}")
        if self.state is not State.NEW:
            parts.append(self.state.value)
        if self.sender:
            parts.append(f"sent by node {self.sender}")
        if self.receiver:
            parts.append(f"to node {self.receiver} itself")
        if self.through_service:
            parts.append("through a Service")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Step:
    """A rule that matched; ``index`` None is the NetworkPolicy isolation without a match."""

    tier: str
    policy: str
    index: int | None
    name: str
    action: str

    def __str__(self) -> str:
        rule = "no rule" if self.index is None else f"rule {self.index}"
        name = f" ({self.name})" if self.name else ""
        return f"{self.tier} {self.policy} {rule}{name}: {self.action}"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict of one direction, the rules that led to it, and else a reason in words."""

    allowed: bool
    steps: tuple[Step, ...] = ()
    reason: str = ""
    node: str | None = None

    def __str__(self) -> str:
        verdict = "allowed" if self.allowed else "denied"
        where = f" on {self.node}" if self.node else ""
        return f"{verdict}{where}: " + ("; ".join(map(str, self.steps)) or self.reason)


@dataclass(frozen=True, slots=True)
class Hop:
    """One node's hook, "forward" or "input", that judges a flow, and the directions it judges."""

    node: str
    hook: str
    directions: tuple[Direction, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a flow; ``answer`` is what a denied sender gets to see, if anything."""

    egress: Decision
    ingress: Decision
    answer: str | None = None

    @property
    def allowed(self) -> bool:
        """Both directions must allow."""
        return self.egress.allowed and self.ingress.allowed

    def __str__(self) -> str:
        return f"egress {self.egress}\ningress {self.ingress}"
