"""What is asked of the cluster and what comes of it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class Verdict(enum.Enum):
    """What became of a probe."""

    ACCEPTED = "accepted"  # it arrived, and the answer came back
    DROPPED = "dropped"  # it did not arrive, and nobody said so
    REJECTED = "rejected"  # it did not arrive, and an error came back
    ONE_WAY = "one-way"  # it arrived, and the answer was lost


@dataclass(frozen=True, slots=True)
class Probe:
    """A new flow from a node, a pod or OUTSIDE to an address.

    ``protocol`` is any IP protocol number; ``port`` counts for TCP, UDP and SCTP, and ICMP in its
    own family is an echo request. Without ``source_address`` the first of the family is taken.
    """

    source: str
    destination: str
    protocol: int
    port: int = 0
    source_address: str | None = None

    def __str__(self) -> str:
        name = _PROTOCOL_NAMES.get(self.protocol, f"protocol {self.protocol}")
        port = f" {self.port}" if self.protocol in PORT_PROTOCOLS else ""
        origin = f" ({self.source_address})" if self.source_address else ""
        return f"{self.source}{origin} -> {self.destination} {name}{port}"


TCP, UDP, SCTP, ICMP, ICMPV6 = 6, 17, 132, 1, 58
PORT_PROTOCOLS = frozenset((TCP, UDP, SCTP))
_PROTOCOL_NAMES = {TCP: "TCP", UDP: "UDP", SCTP: "SCTP", ICMP: "ICMP", ICMPV6: "ICMPv6"}


@dataclass(frozen=True, slots=True)
class Sighting:
    """A packet with a marker as it reached a node, a pod or OUTSIDE, past the input hook.

    ``body`` is what follows the IP header, where addresses and ports show what NAT did.
    """

    where: str
    protocol: int
    source: str
    destination: str
    body: bytes

    @property
    def ports(self) -> tuple[int, int]:
        """Source and destination port, or what stands in their place."""
        return int.from_bytes(self.body[:2], "big"), int.from_bytes(self.body[2:4], "big")


@dataclass(frozen=True, slots=True)
class Result:
    """A probe, where it arrived (None: nowhere) and what came back.

    ``answer`` is "reply", "reset", "icmp TYPE.CODE" or "" for none; ``answered_by`` is its source
    address. ``source_port`` is that of the flow (the identifier of an echo).
    """

    probe: Probe
    arrival: Sighting | None
    answer: str
    answered_by: str
    source_port: int

    @property
    def verdict(self) -> Verdict:
        """The verdict; a reset of the destination's own counts as its answer."""
        if self.arrival:
            return Verdict.ACCEPTED if self.answer in ("reply", "reset") else Verdict.ONE_WAY
        return Verdict.REJECTED if self.answer else Verdict.DROPPED

    @property
    def accepted(self) -> bool:
        """Whether the probe arrived and was answered."""
        return self.verdict is Verdict.ACCEPTED

    def __str__(self) -> str:
        place = f", seen at {self.arrival.where}" if self.arrival else ""
        answer = f", {self.answer} from {self.answered_by}" if self.answer else ""
        return f"{self.verdict.value}{place}{answer}"


def differences(results: Iterable[Result], expected: Iterable[Verdict]) -> list[tuple[str, ...]]:
    """Return probe, expected and observed verdict of each result that is not as expected."""
    return [
        (str(result.probe), verdict.value, str(result))
        for result, verdict in zip(results, expected, strict=True)
        if result.verdict is not verdict
    ]


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows of probe, expected and observed as lines with a head."""
    lines = [("probe", "expected", "observed"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def check(results: Sequence[Result], expected: Sequence[Verdict]) -> None:
    """Raise AssertionError with a table of what differs, if anything does."""
    wrong = differences(results, expected)
    if wrong:
        raise AssertionError(f"{len(wrong)} of {len(results)} probes differ\n{table(wrong)}")
