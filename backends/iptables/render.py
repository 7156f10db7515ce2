"""The iptables backend: a Program as texts for ipset, iptables-restore and ip6tables-restore.

The sets come first, then the rules of each family with ``--noflush``. Nothing but our own chains
and one jump in each of the host's is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs
from msgspec.structs import replace

from ...compiler.errors import InputError
from ...compiler.ir.match import Hook
from ...compiler.ir.program import Chain, Program, Rule, Set
from ...compiler.ir.reachability import depth
from ...compiler.net import Family
from ...templates import compiled
from ..base import Ruleset, Size
from ..text import unsupported
from .chain_names import assign
from .ipset import IpSet, ipset, refusal
from .lowering.accept_as_return import accept_by_return
from .lowering.map_trees import maps_as_trees
from .lowering.one_family import of_family
from .names import BACKEND
from .rules import RuleLine, RuleText
from .ruleset import HOOK_CHAIN
from .tables import rules_in, tables_for

_DEEPEST = 14
"""How deep chains may lie below ours: the kernel lets 15 lie below the host's, gotos included."""

_TREE_LEVELS = (3, 2, 1)
"""How deep the trees of look-ups are: as deep as the chains allow."""

_SUFFIX = {Family.IPV4: "v4", Family.IPV6: "v6"}


class _Chain(Struct, frozen=True):
    """A chain as the template lays it out: its name, what it is in the IR, and its rules."""

    name: str
    note: str
    rules: tuple[str, ...]


class _Chains(Struct, frozen=True):
    """One family's chains, and the names of those that no rule of this version is in."""

    chains: tuple[_Chain, ...]
    unused: tuple[str, ...]

    def in_table(self, table: str) -> tuple[_Chain, ...]:
        """Return the chains as they stand in one of the tables that judge."""
        return tuple(replace(item, rules=rules_in(table, item.rules)) for item in self.chains)


class Iptables:
    """Renders programs; text of sets and chains that several nodes share is made once."""

    name = BACKEND
    suffixes: tuple[str, ...] = ("ipset", "v4", "v6")
    has_maps = False

    def __init__(self) -> None:
        """Start without a text made."""
        self._sets: dict[str, tuple[Set, IpSet]] = {}

    def build(self, program: Program, header: Sequence[str]) -> Ruleset:
        """Return the node's ruleset: three texts; InputError names a rule beyond iptables."""
        programs = {family: self._lowered(program, family) for family in Family}
        sets = [self._set(item) for own in programs.values() for item in own.sets]
        names = {item.source: item.name for item in sets}
        families = {family: self._chains(own, family, names) for family, own in programs.items()}
        chains = [chain for own in families.values() for chain in own.chains]
        tables = tables_for(rule for chain in chains for rule in chain.rules)
        texts = {"ipset": compiled.ipset(header=header, sets=sets)}
        for family, own in families.items():
            texts[_SUFFIX[family]] = compiled.iptables(
                header=header,
                hooks=HOOK_CHAIN.values(),
                tables={table: own.in_table(table) for table in tables},
                unused=own.unused,
            )
        size = Size(
            chains=len(chains) * len(tables),
            rules=sum(len(chain.rules) for chain in chains) * len(tables),
            sets=len(sets),
            elements=sum(len(item.entries) for item in sets),
        )
        return Ruleset(program.node, texts, size)

    def _lowered(self, program: Program, family: Family) -> Program:
        """Return the family's part of the program, without what iptables has no words for."""
        own = accept_by_return(of_family(_with_all_hooks(program), family))
        for levels in _TREE_LEVELS:
            lowered = maps_as_trees(own, levels, _refuse)
            if depth(lowered) <= _DEEPEST:
                return lowered
        raise unsupported(self.name, f"chains more than {_DEEPEST} deep")

    def _set(self, item: Set) -> IpSet:
        known = self._sets.get(item.name)
        if known is None or known[0] is not item:
            if reason := refusal(item):
                raise unsupported(self.name, reason)
            known = self._sets[item.name] = (item, ipset(item))
        return known[1]

    def _chains(self, program: Program, family: Family, names: Mapping[str, str]) -> _Chains:
        text = RuleText(family, names, _refuse)
        slots = assign([chain.name for chain in program.chains if chain.hook is None])
        called = {chain.name: _hook_name(chain.hook) for chain in program.chains if chain.hook}
        called |= slots.names
        chains = []
        for chain in program.chains:
            name = called[chain.name]
            rules = tuple(_line(name, line, called) for line in text.lines(chain))
            chains.append(_Chain(name, chain.name, rules))
        return _Chains(tuple(chains), slots.unused)


def _with_all_hooks(program: Program) -> Program:
    """Return the program with a chain at each hook, to take the place of another version's."""
    made = {chain.hook for chain in program.chains}
    missing = [Chain(hook.value, (), hook) for hook in HOOK_CHAIN if hook not in made]
    if not missing:
        return program
    chains = sorted((*program.chains, *missing), key=lambda chain: chain.name)
    return structs.replace(program, chains=tuple(chains))


def _hook_name(hook: Hook) -> str:
    return f"CNPC-{HOOK_CHAIN[hook]}"


def _line(chain: str, line: RuleLine, slots: Mapping[str, str]) -> str:
    tests = f" {line.tests}" if line.tests else ""
    target = slots[line.target] if line.target else ""
    return f"-A {chain}{tests} {line.verdict}{target}"


def _refuse(what: str, rule: Rule) -> InputError:
    return unsupported(Iptables.name, what, rule.origins)
