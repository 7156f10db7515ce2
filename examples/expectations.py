"""The stories' expectations: a table of flows beside the manifests, written by hand.

An ``expected.txt`` has a title, an empty line, a heading, and a line for each flow: source,
destination, ``PROTOCOL/PORT`` or ``ping``, the verdict, and the reason in words. It is not a
manifest by its suffix, so that the folder compiles as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cnpc.compiler.net import Family, Protocol

STORIES = Path(__file__).parent / "stories"
CLUSTER = STORIES / "cluster.yaml"

_ECHO = {Family.IPV4: Protocol.ICMP, Family.IPV6: Protocol.ICMPV6}


@dataclass(frozen=True, slots=True)
class Expectation:
    """A new flow, tried in both families, and the verdict that it must get."""

    source: str
    destination: str
    flow: str
    allowed: bool
    because: str

    def protocol(self, family: Family) -> Protocol:
        """Return the flow's protocol; a ping has one in each family."""
        if self.flow == "ping":
            return _ECHO[family]
        return Protocol[self.flow.partition("/")[0].upper()]

    @property
    def port(self) -> int | None:
        """The destination port; None of a ping."""
        return None if self.flow == "ping" else int(self.flow.partition("/")[2])


@dataclass(frozen=True, slots=True)
class Story:
    """A folder of manifests, to be compiled together with CLUSTER."""

    folder: Path
    title: str
    expectations: Sequence[Expectation]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.name


def load_stories() -> list[Story]:
    """Return all stories in order."""
    return [_story(path) for path in sorted(STORIES.glob("*/expected.txt"))]


def _story(path: Path) -> Story:
    title, _, _, *lines = path.read_text(encoding="utf-8").splitlines()
    return Story(path.parent, title, [_expectation(line) for line in lines])


def _expectation(line: str) -> Expectation:
    source, destination, flow, verdict, because = line.split(maxsplit=4)
    return Expectation(source, destination, flow, {"allow": True, "deny": False}[verdict], because)
