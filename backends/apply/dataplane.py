"""What the engine asks of a packet filter: nftables and iptables alike."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Generic, Protocol, TypeVar

from ...compiler.errors import NodeError
from ..nftables.plan import PlanKind
from ..nftables.ruleset import NftRuleset
from .generation_check import GenerationCheck
from .record import KernelState

R = TypeVar("R")
P = TypeVar("P", bound="Planned")


class Drift(enum.Enum):
    """How the kernel differs from what was recorded."""

    NONE = ""
    GONE = "the ruleset has been removed from the kernel"
    CHANGED = "somebody has changed the ruleset in the kernel"
    EARLIER = "an earlier version of cnpc has put the ruleset into another table"
    INTERRUPTED = "an earlier change of the ruleset has been interrupted"
    LOST = "the record of what was loaded has been damaged"
    MOVED = "the ruleset is in the tables of the other kind of iptables"
    FOREIGN = "the kernel has a ruleset of cnpc that cnpc apply has not loaded"

    @property
    def before(self) -> str:
        """The words for how the kernel differed before it was put right."""
        return self.value.replace(" has ", " had ")


_MOST_PARTS = 5


def words_of(drift: str, changed: Sequence[str]) -> str:
    """Return the words for a drift, with the first few of the parts that somebody changed."""
    more = len(changed) - _MOST_PARTS
    parts = [*changed[:_MOST_PARTS], *([f"{more} more"] if more > 0 else [])]
    return f"{drift} ({', '.join(parts)})" if parts else drift


@dataclass(frozen=True, slots=True)
class Installed(Generic[R]):
    """What the kernel has: the ruleset where that is known, and how it drifted."""

    ruleset: R
    drift: Drift
    loaded: bool
    """Whether the recorded version was loaded since this boot, in this network namespace."""
    kernel: KernelState | None = None
    """How the kernel is, where it was seen to be as it was recorded."""
    changed: tuple[str, ...] = ()
    """What somebody has changed, in words, as far as that can be told."""


@dataclass(frozen=True)
class RulesetSource(Generic[R]):
    """A ruleset to be put in force: its backend, its texts by suffix, and how they are read."""

    backend: str
    texts: Mapping[str, str]
    read: Callable[[], R]

    @cached_property
    def layout(self) -> R:
        """What the texts say, read when first needed; InputError where that makes no sense."""
        return self.read()

    def checked(self) -> Mapping[str, str]:
        """Return the texts, after they were read; InputError as above."""
        _ = self.layout
        return self.texts


class Planned(Protocol):
    """How a change is carried out."""

    @property
    def kind(self) -> PlanKind:
        """What has to be done."""
        ...

    @property
    def operations(self) -> int:
        """How many objects, rules and elements all commits name."""
        ...

    @property
    def transactions(self) -> Sequence[object]:
        """The commits, in order."""
        ...

    @property
    def checks_itself(self) -> bool:
        """Whether carrying it out checks all of it before anything in force changes."""
        ...


@dataclass(frozen=True, slots=True)
class NothingPlanned:
    """The change to what is in force already."""

    kind: ClassVar[PlanKind] = PlanKind.NOTHING
    operations: ClassVar[int] = 0
    transactions: ClassVar[Sequence[object]] = ()
    checks_itself: ClassVar[bool] = True


class UntouchedError(NodeError):
    """A refusal after which what was in force is in force, whole, and nothing else is loaded."""


class BusyError(UntouchedError):
    """The same, because somebody else is at work, for whom it was waited long enough."""


class Dataplane(GenerationCheck, Protocol[R, P]):
    """The node's kernel, as far as one backend's rulesets go; NodeError says what it refuses."""

    empty: R
    """The ruleset that says nothing."""

    def read(self, texts: Mapping[str, str]) -> R:
        """Return what the texts say; InputError where they are not as compile writes them."""
        ...

    def readable(self, ruleset: R) -> NftRuleset:
        """Return a ruleset as it is shown to people."""
        ...

    def present(self) -> bool:
        """Tell whether anything of ours is loaded."""
        ...

    def difference(self, kernel: KernelState) -> Drift:
        """Return how the kernel differs, where it is not as it was noted."""
        ...

    def changed(self, ruleset: R, kernel: KernelState) -> tuple[str, ...]:
        """Return what differs from the ruleset as it was loaded, in words; () if unknown."""
        ...

    def where_active(self) -> tuple[str, ...]:
        """Return where rules of ours judge packets, in few questions to the kernel alone."""
        ...

    def obstacle(self) -> str:
        """Return why nothing can be loaded now, with the remedy; "" where nothing is in the way."""
        ...

    def left_out(self) -> str:
        """Return what of a ruleset is not loaded on this node, and why; "" where all is."""
        ...

    def verified(
        self, ruleset: R, kernel: KernelState, *, wholly: bool
    ) -> tuple[R, KernelState] | None:
        """Return the ruleset as the kernel has it, and how that is now.

        None where it differs from what was loaded. Not ``wholly``, elements that were exchanged
        for as many others are not seen.
        """
        ...

    def plan(self, now: Installed[R], new: R) -> P:
        """Return the way from what is in force to the ruleset."""
        ...

    def check(self, planned: P) -> None:
        """Let the kernel judge the change, and leave nothing behind."""
        ...

    def commit(self, planned: P, now: Installed[R], new: R) -> KernelState:
        """Carry out the change of what is in force, and return how the kernel is then."""
        ...

    def renamed(self, kernel: KernelState, planned: P) -> KernelState:
        """Return how the kernel is for a ruleset that says the same as the one in force."""
        ...

    def unload(self) -> bool:
        """Remove all that is ours and nothing else; False if there was nothing."""
        ...

    def cut(self, ruleset: R) -> int:
        """End the connections that the ruleset denies, and return how many that were."""
        ...

    def generation(self) -> object:
        """Return something that differs after whatever anybody changed."""
        ...

    def listing(self) -> str:
        """Return the own rules as the kernel has them, with what they have counted."""
        ...
