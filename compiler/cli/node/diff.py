"""``cnpc diff``: what ``apply`` would change on this node."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from ....backends.apply.dataplane import Drift, words_of
from ....backends.nftables.diff import Changes, SetChange, compare
from ....backends.nftables.ruleset import NftChain, NftRuleset, NftSet
from ...errors import CnpcError
from ..output.json_output import json_option, print_json
from ..output.messages import count, report_warning, say
from ..rulesets.policy_diff import Changed, compare_headers, facts_of, in_words
from ..rulesets.read import header_in_force, header_of_texts, read_source
from ..rulesets.read_header import Header, header_of
from .applying.safety_checks import check_permitted
from .engine import open_engine, shown
from .options import Choices, Permits, compile_options, state_option


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@compile_options
@json_option
@state_option
def command(
    *,
    paths: tuple[str, ...],
    choices: Choices,
    as_json: bool,
    state_dir: Path,
) -> int:
    """Show what apply would change on this node: policies, elements of sets, rules of chains.

    Without PATH, tells whether somebody changed what was loaded. The exit code is 1 if anything
    would change.
    """
    engine = open_engine(state_dir)
    record, now = engine.look()
    old = shown(engine, record, now)
    drift = now.drift
    if drift is not Drift.NONE:
        words = f"{words_of(drift.value, now.changed)}; apply puts it right"
        report_warning(engine.view.obstacle(record) or words)
    new = old
    if paths:
        before = header_in_force(state_dir)
        ruleset = read_source(paths, choices, before)
        _warn_of_refusal(header_of_texts(ruleset.texts), before)
        new = engine.view.readable(ruleset)
    changes = compare(old, new)
    if as_json:
        drifted = drift.name.lower() if drift is not Drift.NONE else None
        parts = list(now.changed)
        print_json({"drift": drifted, "drifted_parts": parts, **facts(changes, old, new)})
    else:
        for line in lines(changes, old, new):
            say(line)
    return int(bool(changes) or drift is not Drift.NONE)


def _warn_of_refusal(new: Header, old: Header | None) -> None:
    try:
        check_permitted(new, old, Permits(empty=False, other_node=False))
    except CnpcError as refusal:
        report_warning(f"apply refuses this: {refusal}")


_MOST = 20
_ADDRESS = re.compile(r"[0-9a-f:.]+")


def lines(changes: Changes, old: NftRuleset, new: NftRuleset) -> Iterator[str]:
    """Yield what a person reads; nothing where the rulesets say the same."""
    before, after = header_of(old.header), header_of(new.header)
    changed = compare_headers(before, after)
    if words := in_words(changed):
        yield words
    yield from _by_name(changed)
    for table in changes.sets_removed.values():
        yield f"- {_name(table)}, {count(len(table), 'element')}"
    for table in changes.sets_added.values():
        yield f"+ {_name(table)}, {count(len(table), 'element')}"
    for change in changes.sets.values():
        yield from _table(change, before.names, after.names)
    for chain in changes.chains_removed.values():
        yield from _chain(chain.name, chain.rules, ())
    for chain in changes.chains_added.values():
        yield from _chain(chain.name, (), chain.rules)
    for name, chain in changes.chains.items():
        yield from _changed(old.chains[name], chain)


def facts(changes: Changes, old: NftRuleset, new: NftRuleset) -> Mapping[str, object]:
    """Return all of it as JSON has it (docs/schema/diff.json)."""
    sets = (
        *(_set_facts(table, table.lines(), ()) for table in changes.sets_removed.values()),
        *(_set_facts(table, (), table.lines()) for table in changes.sets_added.values()),
        *(
            _set_facts(change.new, change.old.lines(), change.new.lines())
            if change.remade
            else _set_facts(change.new, change.removed, change.added)
            for change in changes.sets.values()
        ),
    )
    chains = (
        *(_chain_facts(chain.name, chain, None) for chain in changes.chains_removed.values()),
        *(_chain_facts(chain.name, None, chain) for chain in changes.chains_added.values()),
        *(_chain_facts(name, old.chains[name], chain) for name, chain in changes.chains.items()),
    )
    return {
        **facts_of(compare_headers(header_of(old.header), header_of(new.header))),
        "sets": list(sets),
        "chains": list(chains),
    }


def _set_facts(table: NftSet, removed: Sequence[str], added: Sequence[str]) -> dict[str, object]:
    return {
        "kind": table.kind,
        "name": table.name,
        "note": table.note or None,
        "elements_removed": list(removed),
        "elements_added": list(added),
    }


def _chain_facts(name: str, old: NftChain | None, new: NftChain | None) -> dict[str, object]:
    lines = list(difflib.ndiff(old.rules if old else (), new.rules if new else ()))
    return {
        "name": name,
        "rules_removed": [line[2:] for line in lines if line.startswith("- ")],
        "rules_added": [line[2:] for line in lines if line.startswith("+ ")],
    }


def _by_name(changed: Changed) -> Iterator[str]:
    """Yield the policies and pods that came, went or changed."""
    yield from _shortened("- ", changed.policies_removed)
    yield from _shortened("+ ", changed.policies_added)
    yield from _shortened("~ ", changed.policies_changed)
    yield from _shortened("- pod ", changed.pods_removed)
    yield from _shortened("+ pod ", changed.pods_added)


def _table(change: SetChange, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Yield a change of elements; pods are named by address."""
    if change.remade:
        old, new = (count(len(item), "element") for item in (change.old, change.new))
        yield f"~ {_name(change.new)}: made anew, {old} before, {new} after"
        return
    yield f"~ {_name(change.new)}: +{len(change.added)} -{len(change.removed)}"
    yield from _shortened("    - ", [_named(item, before) for item in change.removed])
    yield from _shortened("    + ", [_named(item, after) for item in change.added])


def _named(element: str, names: Mapping[str, str]) -> str:
    """Return an element with the name of the pod whose address it begins with."""
    address = _ADDRESS.match(element)
    name = names.get(address[0]) if address else None
    return f"{element}  ({name})" if name else element


def _shortened(sign: str, items: Sequence[str]) -> Iterator[str]:
    yield from (f"{sign}{item}" for item in items[:_MOST])
    if len(items) > _MOST:
        yield f"{sign}... {len(items) - _MOST:,} more"


def _changed(old: NftChain, new: NftChain) -> Iterator[str]:
    if old.hook != new.hook:
        yield f"~ chain {new.name}: {old.hook or 'no hook'} -> {new.hook or 'no hook'}"
    yield from _chain(new.name, old.rules, new.rules)


def _chain(name: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[str]:
    sign = "~" if old and new else "+" if new else "-"
    yield f"{sign} chain {name}"
    for line in difflib.ndiff(old, new):
        if line[0] in "+-":
            yield f"    {line}"


def _name(table: NftSet) -> str:
    return f"{table.kind} {table.name}" + (f" ({table.note})" if table.note else "")
