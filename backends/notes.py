"""What is noted of a node between two runs: values, and their form as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A ruleset that was loaded: its backend, the digest of each text by suffix, and when."""

    backend: str
    texts: Mapping[str, str]
    since: str
    """UTC, RFC 3339."""

    def same(self, other: Version | None) -> bool:
        """Tell whether both are the same ruleset, whenever loaded."""
        return other is not None and (self.backend, self.texts) == (other.backend, other.texts)

    @property
    def id(self) -> str:
        """What people call it: the first digits of its digest."""
        return "-".join(digest[:12] for _, digest in sorted(self.texts.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """How the kernel was when the current version had been loaded."""

    place: str
    generation: int | None
    """None where somebody else committed at the same time."""
    structure: str
    contents: Mapping[str, str] = field(default_factory=dict)
    """A digest of the elements of each set and map, by name."""
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A version that goes away again unless it is confirmed in time."""

    token: str
    until: float
    """Seconds since the epoch."""
    back_to: Version | None
    back_previous: Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All of it; nothing was ever loaded where there is no current version."""

    current: Version | None = None
    previous: Version | None = None
    kernel: Kernel | None = None
    pending: Pending | None = None

    @property
    def at_boot(self) -> Version | None:
        """The version that a boot loads: the last one that needs no confirmation any more."""
        return self.pending.back_to if self.pending else self.current


class DamagedError(ValueError):
    """A text is not a record; says which part of it is not."""


def to_json(noted: Record | Version | None) -> bytes:
    """Return the JSON of a record, or of a version that is about to be loaded."""
    found = None if noted is None else asdict(noted)
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


def from_json(data: bytes) -> Record:
    """Return the record that the JSON says; DamagedError where it says none."""
    try:
        found = json.loads(data)
    except ValueError as problem:  # of its form, or of the bytes
        raise DamagedError(str(problem)) from None
    if not isinstance(found, dict):
        raise DamagedError("it is no object")
    return Record(
        current=_version(found.get("current")),
        previous=_version(found.get("previous")),
        kernel=_kernel(found.get("kernel")),
        pending=_pending(found.get("pending")),
    )


def _version(value: object) -> Version | None:
    match value:
        case None:
            return None
        case {"backend": str(backend), "texts": dict(texts), "since": str(since)} if _all_are(
            str, texts
        ):
            return Version(backend=backend, texts=texts, since=since)
    raise DamagedError("a version is not one")


def _kernel(value: object) -> Kernel | None:
    match value:
        case None:
            return None
        case {
            "place": str(place),
            "generation": int() | None as generation,
            "structure": str(structure),
            "contents": dict(contents),
            "sizes": dict(sizes),
        } if _all_are(str, contents) and _all_are(int, sizes):
            return Kernel(
                place=place,
                generation=generation,
                structure=structure,
                contents=contents,
                sizes=sizes,
            )
    raise DamagedError("what is said of the kernel makes no sense")


def _pending(value: object) -> Pending | None:
    match value:
        case None:
            return None
        case {
            "token": str(token),
            "until": int() | float() as until,
            "back_to": back_to,
            "back_previous": back_previous,
        }:
            return Pending(
                token=token,
                until=until,
                back_to=_version(back_to),
                back_previous=_version(back_previous),
            )
    raise DamagedError("what waits for its confirmation makes no sense")


def _all_are(kind: type, found: Mapping[str, object]) -> bool:
    return all(isinstance(item, kind) for item in found.values())
