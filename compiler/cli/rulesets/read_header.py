"""The header of a ruleset file, read back: what people are told of two rulesets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .header import node_of

_LISTED = "  "
_NUMBER = re.compile(r"([\d,]+) endpoints?$")


@dataclass(frozen=True, slots=True)
class Header:
    """What a ruleset says of itself; None and empty where it does not."""

    node: str | None = None
    options: str = ""
    policies: tuple[str, ...] = ()
    """Those in force on the node: kind, name, tier and generation."""
    policies_read: int | None = None
    """How many policies were compiled, in force on the node or not."""
    endpoints: int | None = None
    """How many pods of the cluster policies can select."""
    pods: tuple[str, ...] | None = None
    """The node's own pods, as ``namespace/name``."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Pods of all nodes by address."""

    @property
    def addresses(self) -> tuple[str, ...] | None:
        """The addresses of the node's own pods; None where they are not told."""
        if self.pods is None:
            return None
        own = set(self.pods)
        return tuple(address for address, pod in self.names.items() if pod in own)

    @property
    def level(self) -> int | None:
        """The optimisation level."""
        found = re.search(r"-O(\d)", self.options)
        return int(found[1]) if found else None

    @property
    def has_counters(self) -> bool:
        """Whether ``--counters`` was asked for when it was applied."""
        return COUNTERS in self.options.split(" ")


COUNTERS = "--counters"


def header_of_text(text: str) -> Header:
    """Return what the leading comment of a ruleset's text says."""
    end = text.find("\n\n")
    lines = text[: max(end, 0)].split("\n")
    return header_of(line.removeprefix("#").removeprefix(" ") for line in lines)


def header_of(lines: Iterable[str]) -> Header:
    """Return what the lines of a leading comment say, which are without their signs of comments."""
    sections: dict[str, str] = {}
    listed: dict[str, list[str]] = {}
    title = ""
    first = ""
    for line in lines:
        first = first or line
        if line.startswith(_LISTED):
            listed.setdefault(title, []).append(line.removeprefix(_LISTED))
        else:
            title, _, sections[title] = line.partition(": ")
    pods = [line.split(" ") for line in listed.get("Pods here", ())]
    others = [line.split(" ") for line in listed.get("Pods elsewhere", ())]
    return Header(
        node=node_of(first),
        options=sections.get("Options", ""),
        policies=tuple(listed.get("Policies in force here", ())),
        policies_read=_last_number(sections.get("Policies in force here", "")),
        endpoints=_endpoints(sections.get("Snapshot", "")),
        pods=tuple(pod[0] for pod in pods) if "Pods here" in sections else None,
        names={address: pod[0] for pod in (*others, *pods) for address in pod[1:]},
    )


def _last_number(text: str) -> int | None:
    word = text.rpartition(" ")[2]
    return int(word) if word.isdecimal() else None


def _endpoints(text: str) -> int | None:
    found = _NUMBER.search(text)
    return int(found[1].replace(",", "")) if found else None
