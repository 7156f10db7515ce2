"""The difference of two rulesets in policies and pods: what people are told first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..output.messages import count
from .read_header import Header

_GENERATION = " (generation "


@dataclass(frozen=True, slots=True)
class Changed:
    """What came, went and changed from one ruleset to another, by name."""

    policies_added: tuple[str, ...]
    policies_removed: tuple[str, ...]
    policies_changed: tuple[str, ...]
    """Those of another generation, as the new ruleset names them."""
    pods_added: tuple[str, ...]
    """Pods of this node."""
    pods_removed: tuple[str, ...]
    endpoints: int
    """How many pods more the whole cluster has."""


def compare_headers(old: Header, new: Header) -> Changed:
    """Return what differs; pods only where both rulesets name theirs."""
    before, after = _generations(old.policies), _generations(new.policies)
    old_pods, new_pods = old.pods or (), new.pods or ()
    return Changed(
        policies_added=_missing(after, before),
        policies_removed=_missing(before, after),
        policies_changed=tuple(
            name + after[name] for name in after if name in before and before[name] != after[name]
        ),
        pods_added=_missing(new_pods, old_pods) if old.pods is not None else (),
        pods_removed=_missing(old_pods, new_pods) if new.pods is not None else (),
        endpoints=_growth(old.endpoints, new.endpoints),
    )


def in_words(changed: Changed) -> str:
    """Return the numbers in words, as "2 policies more, 1 pod fewer"; "" where there are none."""
    return ", ".join(_words(changed))


def facts_of(changed: Changed) -> Mapping[str, object]:
    """Return the names as JSON has them."""
    return {
        "policies_added": list(changed.policies_added),
        "policies_removed": list(changed.policies_removed),
        "policies_changed": list(changed.policies_changed),
        "pods_added": list(changed.pods_added),
        "pods_removed": list(changed.pods_removed),
    }


def contents(header: Header) -> str:
    """Return in words how many policies and pods a ruleset has."""
    policies = count(len(header.policies), "policy", "policies")
    return policies if header.pods is None else f"{policies}, {count(len(header.pods), 'pod')}"


def _words(changed: Changed) -> Iterator[str]:
    yield from _more_or_fewer(
        len(changed.policies_added), len(changed.policies_removed), "policy", "policies"
    )
    if changed.policies_changed:
        yield f"{count(len(changed.policies_changed), 'policy', 'policies')} changed"
    here = len(changed.pods_added), len(changed.pods_removed)
    yield from _more_or_fewer(*here, "pod", "pods")
    if changed.endpoints and not any(here):
        more = "more" if changed.endpoints > 0 else "fewer"
        yield f"{count(abs(changed.endpoints), 'pod')} {more} on other nodes"


def _more_or_fewer(added: int, removed: int, one: str, many: str) -> Iterator[str]:
    if added and removed:
        yield f"+{added:,} -{removed:,} {many}"
    elif added:
        yield f"{count(added, one, many)} more"
    elif removed:
        yield f"{count(removed, one, many)} fewer"


def _growth(before: int | None, after: int | None) -> int:
    """Return how much larger a number became, 0 where it is not known of both."""
    return 0 if before is None or after is None else after - before


def _missing(items: Collection[str], others: Collection[str]) -> tuple[str, ...]:
    """Return the items that are not among the others, in their order."""
    known = frozenset(others)
    return tuple(item for item in items if item not in known)


def _generations(policies: Sequence[str]) -> dict[str, str]:
    """Return what the line of each policy says of its generation, by the rest of the line."""
    parts = (policy.partition(_GENERATION) for policy in policies)
    return {name: mark + generation for name, mark, generation in parts}
