"""What is noted of a node between two runs: values, and their form as JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from ..iptables import names as iptables_names
from ..nftables import names as nft_names

_SUFFIXES = {
    nft_names.BACKEND: {nft_names.SUFFIX},
    iptables_names.BACKEND: set(iptables_names.SUFFIXES),
}
"""The texts of each backend: their suffixes are parts of file names."""

_DIGEST = re.compile("[0-9a-f]+")
"""Digests are parts of file names, too."""


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
class KernelState:
    """How the kernel was when the current version had been loaded."""

    place: str
    generation: int | None
    """None where somebody else committed at the same time."""
    structure: str
    contents: Mapping[str, str] = field(default_factory=dict)
    """A digest of the elements of each set and map, by name; of iptables what its signs note."""
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingConfirm:
    """A version that goes away again unless it is confirmed in time."""

    token: str
    until: float
    """Seconds since the boot."""
    boot: str
    """Which boot that is."""
    back_to: Version | None
    back_previous: Version | None
    back_boot: Version | None = None
    """What had been saved for the next boot."""

    def left(self, now: float) -> int:
        """Return how many seconds are left at a time, which is in seconds since the boot."""
        return max(0, round(self.until - now))

    def over(self, now: float, boot: str) -> bool:
        """Tell whether the time for a confirmation is over; another boot has nothing to undo."""
        return self.boot == boot and now >= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All of it; nothing was ever loaded where there is no current version."""

    current: Version | None = None
    previous: Version | None = None
    kernel: KernelState | None = None
    pending: PendingConfirm | None = None
    boot: Version | None = None
    """What was saved for the next boot since something was put in force last."""
    expired: Version | None = None
    """What was taken back last as nobody confirmed it, and when."""
    machine: str = field(default="", compare=False)
    """Where this was written; "" where that is not known."""

    @property
    def settled(self) -> bool:
        """Whether the current version needs no confirmation, and is what a boot loads."""
        return self.pending is None and self.boot is None

    @property
    def saved(self) -> Version | None:
        """What was saved for the next boot, also where an unconfirmed version would replace it."""
        return self.boot or (self.pending.back_boot if self.pending else None)

    @property
    def boots(self) -> tuple[Version, ...]:
        """The version that a boot loads, and the one to fall back to; as many as there are.

        It is what was saved, else the last one that needs no confirmation any more.
        """
        current, previous = self.current, self.previous
        if self.pending:
            current, previous = self.pending.back_to, self.pending.back_previous
        first, second = (self.saved, current) if self.saved else (current, previous)
        if first is None:
            return ()
        return (first, second) if second else (first,)

    @property
    def at_boot(self) -> Version | None:
        """The version that a boot loads."""
        return next(iter(self.boots), None)

    def held(self, token: str, until: float, boot: str) -> PendingConfirm:
        """Return the way back to this from a version that needs a confirmation."""
        return PendingConfirm(
            token=token,
            until=until,
            boot=boot,
            back_to=self.current,
            back_previous=self.previous,
            back_boot=self.boot,
        )

    def loaded(
        self, version: Version, kernel: KernelState | None, pending: PendingConfirm | None
    ) -> Record:
        """Return what is noted when a version was put in force after this."""
        previous = self.previous if version.same(self.current) else self.current
        return Record(current=version, previous=previous, kernel=kernel, pending=pending)

    @property
    def versions(self) -> tuple[Version, ...]:
        """All that are named."""
        pending = self.pending
        back = (pending.back_to, pending.back_previous, pending.back_boot) if pending else ()
        named = (self.current, self.previous, self.boot, *back)
        return tuple(version for version in named if version)


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
    except (ValueError, RecursionError) as problem:  # of its form, or of the bytes
        raise DamagedError(str(problem)) from None
    if not isinstance(found, dict):
        raise DamagedError("it is no object")
    return Record(
        current=_version(found.get("current")),
        previous=_version(found.get("previous")),
        kernel=_kernel(found.get("kernel")),
        pending=_pending(found.get("pending")),
        boot=_version(found.get("boot")),
        expired=_version(found.get("expired")),
        machine=str(found.get("machine", "")),
    )


def _version(value: object) -> Version | None:
    match value:
        case None:
            return None
        case {"backend": str(backend), "texts": dict(texts), "since": str(since)} if (
            texts.keys() == _SUFFIXES.get(backend)
            and _all_are(str, texts)
            and all(map(_DIGEST.fullmatch, texts.values()))
            and since.isprintable()
        ):
            return Version(backend=backend, texts=texts, since=since)
    raise DamagedError("a version is not one")


def _kernel(value: object) -> KernelState | None:
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
            return KernelState(
                place=place,
                generation=generation,
                structure=structure,
                contents=contents,
                sizes=sizes,
            )
    raise DamagedError("what is said of the kernel makes no sense")


def _pending(value: object) -> PendingConfirm | None:
    match value:
        case None:
            return None
        case {
            "token": str(token),
            "until": int() | float() as until,
            "back_to": back_to,
            "back_previous": back_previous,
            **further,
        } if math.isfinite(until):
            return PendingConfirm(
                token=token,
                until=until,
                boot=str(further.get("boot", "")),
                back_to=_version(back_to),
                back_previous=_version(back_previous),
                back_boot=_version(further.get("back_boot")),
            )
    raise DamagedError("what waits for its confirmation makes no sense")


def _all_are(kind: type, found: Mapping[str, object]) -> bool:
    return all(isinstance(item, kind) for item in found.values())
