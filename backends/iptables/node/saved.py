"""What a table of a family has of ours, and the text that changes it in one commit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..names import HOOKS, OWN
from ..ruleset import jump

_CHAIN = re.compile(rf":({OWN}\S+) ")
_RULE = re.compile(rf"-A ({OWN}\S+)")
_TARGET = re.compile(rf" -[gj] ({OWN}\S+)")
_JUMPS = {f"-A {jump(hook)}": hook for hook in HOOKS}


@dataclass(frozen=True, slots=True)
class Jumps:
    """How often a chain of the host jumps to ours, and whether it begins with that."""

    number: int
    first: bool

    @property
    def well(self) -> bool:
        """Whether there is one jump, in front of everything."""
        return self.first and self.number == 1


IN_FRONT = {hook: Jumps(1, first=True) for hook in HOOKS}
"""One jump each, in front of everything."""
NOWHERE = {hook: Jumps(0, first=False) for hook in HOOKS}
"""No jump."""


@dataclass(frozen=True, slots=True)
class Saved:
    """Our chains with their rules as iptables-save words them, and who leads there."""

    chains: Mapping[str, tuple[str, ...]]
    jumps: Mapping[str, Jumps]
    """By chain of the host."""
    held: frozenset[str]
    """Our chains that rules of others lead to, so that they cannot be deleted."""

    def __bool__(self) -> bool:
        """Tell whether anything of ours is there."""
        return bool(self.chains) or any(item.number for item in self.jumps.values())

    def text(self) -> str:
        """Return all of it that is ours, for comparing."""
        lines = [f"{hook} {item.number} {item.first}" for hook, item in self.jumps.items()]
        lines += [line for name, rules in sorted(self.chains.items()) for line in (name, *rules)]
        return "\n".join(lines)


NOTHING = Saved({}, NOWHERE, frozenset())


def read_saved(output: str) -> Saved:
    """Return what iptables-save printed of ours, of one table."""
    chains: dict[str, list[str]] = {}
    numbers = dict.fromkeys(HOOKS, 0)
    first: dict[str, str] = {}
    held: set[str] = set()
    for line in output.splitlines():
        if found := _RULE.match(line):
            chains.setdefault(found[1], []).append(line)
        elif found := _CHAIN.match(line):
            chains.setdefault(found[1], [])
        elif line.startswith("-A "):
            first.setdefault(line.split(" ", 2)[1], line)
            if line in _JUMPS:
                numbers[_JUMPS[line]] += 1
            else:
                held.update(_TARGET.findall(line))
    jumps = {
        hook: Jumps(numbers[hook], first=first.get(hook) == f"-A {jump(hook)}") for hook in HOOKS
    }
    return Saved({name: tuple(rules) for name, rules in chains.items()}, jumps, frozenset(held))


def in_front(output: str, hook: str) -> tuple[str, ...]:
    """Return the rules of others that a chain of the host has in front of the jump to ours.

    None if it does not lead to ours.
    """
    rules = [line for line in output.splitlines() if line.startswith(f"-A {hook} ")]
    own = f"-A {jump(hook)}"
    return tuple(rules[: rules.index(own)]) if own in rules else ()


def own_lines(output: str, family: str) -> str:
    """Return the lines about rules of ours, of what iptables-save -c printed, with the family."""
    lines = (line for line in output.splitlines(keepends=True) if f"] -A {OWN}" in line)
    return "".join(f"{family} {line}" for line in lines)


def change(
    table: str,
    saved: Saved,
    write: Mapping[str, Iterable[str]],
    remove: Iterable[str],
    jumps: Mapping[str, Jumps],
) -> str:
    """Return the text that writes chains of a table, removes others, and places the jumps.

    It is one commit. Chains that rules of others lead to are emptied where they should be removed.
    """
    removed = sorted(name for name in remove if name in saved.chains)
    lines = [f"*{table}", *(f":{name} - [0:0]" for name in (*write, *removed))]
    lines += [rule for rules in write.values() for rule in rules]
    for hook in HOOKS:
        now, wanted = saved.jumps[hook], jumps[hook]
        if now != wanted:
            # All in one commit: there is no moment without a jump in front.
            lines += [f"-D {jump(hook)}"] * now.number
            lines += [f"-I {hook} 1 -j {OWN}{hook}"] * wanted.number
    lines += [f"-X {name}" for name in removed if name not in saved.held]
    return "\n".join([*lines, "COMMIT", ""])


def operations(text: str) -> int:
    """Return how many chains, rules and jumps a text names."""
    return sum(line.startswith((":", "-")) for line in text.splitlines())
