"""What differs between two rulesets, object by object and element by element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..text_slice import TextSlice
from .ruleset import NftChain, NftRuleset, NftSet, split_elements


@dataclass(frozen=True, slots=True)
class SetChange:
    """A set or map of both rulesets whose elements differ, or that must be made anew.

    It is made anew where its type or flags differ, or where its elements outgrow its size.
    """

    old: NftSet
    new: NftSet
    added: tuple[str, ...]
    removed: tuple[str, ...]
    remade: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that has to happen, objects by name; what is equal is in none of the parts."""

    sets_added: Mapping[str, NftSet]
    sets_removed: Mapping[str, NftSet]
    sets: Mapping[str, SetChange]
    chains_added: Mapping[str, NftChain]
    chains_removed: Mapping[str, NftChain]
    chains: Mapping[str, NftChain]
    """The new form of chains of both rulesets whose rules differ."""
    hooks_differ: bool
    sizes: Mapping[str, int]
    """The sizes that sets keep in the kernel although the new ruleset declares others."""

    @property
    def rules_differ(self) -> bool:
        """Whether rules that are in force change, or base chains come or go."""
        others = (*self.chains_added.values(), *self.chains_removed.values())
        return bool(self.chains) or any(item.hook for item in others)

    def __bool__(self) -> bool:
        return any(
            (
                self.sets_added,
                self.sets_removed,
                self.sets,
                self.chains_added,
                self.chains_removed,
                self.chains,
                self.hooks_differ,
            )
        )


def compare(old: NftRuleset, new: NftRuleset) -> Changes:
    """Return what leads from the old ruleset, with the sizes that the kernel has, to the new."""
    tables: dict[str, SetChange] = {}
    sizes: dict[str, int] = {}
    for name in old.sets.keys() & new.sets.keys():
        before, after = old.sets[name], new.sets[name]
        if before == after:
            continue
        change = _table(before, after)
        if change.remade or change.added or change.removed:
            tables[name] = change
        if not change.remade and before.size is not None and before.size != after.size:
            sizes[name] = before.size
    shared = old.chains.keys() & new.chains.keys()
    return Changes(
        {name: item for name, item in new.sets.items() if name not in old.sets},
        {name: item for name, item in old.sets.items() if name not in new.sets},
        dict(sorted(tables.items())),
        {name: item for name, item in new.chains.items() if name not in old.chains},
        {name: item for name, item in old.chains.items() if name not in new.chains},
        {name: new.chains[name] for name in sorted(shared) if old.chains[name] != new.chains[name]},
        any(old.chains[name].hook != new.chains[name].hook for name in shared),
        sizes,
    )


def unchanged(old: NftRuleset, new: NftRuleset) -> set[str]:
    """Return the names of the sets and maps that are the same in both."""
    return {name for name, item in new.sets.items() if old.sets.get(name) == item}


def with_sizes(layout: NftRuleset, sizes: Mapping[str, int]) -> NftRuleset:
    """Return the ruleset as the kernel has it, where sets kept another size than it declares."""
    tables = dict(layout.sets)
    for name, size in sizes.items():
        if name in tables:
            tables[name] = tables[name].resized(size)
    return NftRuleset(layout.header, tables, layout.chains)


def _table(old: NftSet, new: NftSet) -> SetChange:
    if old.kind != new.kind or not _same_head(old, new):
        return SetChange(old, new, (), (), remade=True)
    removed, added = _difference(old.part, new.part)
    if not _fits(old, new, len(added), len(removed)):
        return SetChange(old, new, added, removed, remade=True)
    return SetChange(old, new, added, removed)


def _fits(old: NftSet, new: NftSet, added: int, removed: int) -> bool:
    """Tell whether the elements of both, which the kernel counts together, have room."""
    if old.size is None or new.size is None:
        return True
    # Sizes are declared for twice the elements, which tells it mostly without counting those.
    return new.size // 2 + removed <= old.size or len(old) + added <= old.size


def _same_head(old: NftSet, new: NftSet) -> bool:
    if old.head == new.head:
        return True
    if old.size is None or new.size is None:
        return False
    return old.resized(new.size).head == new.head


def _difference(old: TextSlice, new: TextSlice) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the elements that only the old and only the new text have, each in its order.

    What both texts begin and end with is skipped without taking it apart.
    """
    start = old.common_start(new)
    start = max(old.source.rfind("\n", old.start, old.start + start) + 1 - old.start, 0)
    end = old.common_end(new, min(len(old), len(new)) - start)
    before = split_elements(_cut(old, start, end))
    after = split_elements(_cut(new, start, end))
    gone, come = set(before), set(after)
    return (
        tuple(item for item in before if item not in come),
        tuple(item for item in after if item not in gone),
    )


def _cut(part: TextSlice, start: int, end: int) -> str:
    """Return the whole lines between a line's start and so many characters before the end."""
    stop = part.source.find("\n", part.end - end, part.end)
    first = part.start + start
    return part.source[first : part.end if stop < 0 else stop].removeprefix("\t\t\t")
