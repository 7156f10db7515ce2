"""ACCEPT as RETURN: in iptables, ACCEPT would pass the packet by the host's own rules.

A chain of ours is left for good by returning from it, so whoever accepts must stand directly below
the host's chain, with no jump to come back to. A jump to a chain that accepts becomes a goto, and
what followed the jump becomes a chain of its own that the rest of the way leads to.

Before:  chain forward hook forward { invalid jump unusual; vmap @egress }
         chain unusual { icmp accept }
After:   chain forward hook forward { invalid goto unusual_forward; vmap @egress }
         chain unusual_forward { icmp return; goto forward_rest }
         chain forward_rest { vmap @egress }
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from ..compiler.errors import InputError
from ..compiler.ir import (
    Chain,
    Goto,
    Jump,
    Lookup,
    Program,
    Rule,
    Terminal,
    successors,
)

Refuse = Callable[[str, Rule], InputError]
"""Makes the error for a rule that cannot be expressed, from words for what it is."""


def accept_by_return(program: Program, refuse: Refuse) -> Program:
    """Return the program without ACCEPT; the error is of a rule that accepts below two jumps."""
    accepting = _accepting(program)
    if not accepting:
        return program
    known = program.chains_by_name()
    chains: dict[str, Chain] = {}
    for chain in program.chains:
        if chain.hook:
            chains |= {made.name: made for made in _Splitter(known, accepting, refuse).split(chain)}
        elif chain.name not in accepting:
            chains[chain.name] = chain
    return replace(program, chains=tuple(chains[name] for name in sorted(chains)))


def _accepting(program: Program) -> frozenset[str]:
    """Return the names of the chains below the hooks from which a packet may meet an ACCEPT."""
    maps = program.maps_by_name()
    found: set[str] = set()
    while more := {
        chain.name
        for chain in program.chains
        if chain.name not in found
        and any(
            rule.verdict is Terminal.ACCEPT or not found.isdisjoint(successors(rule.verdict, maps))
            for rule in chain.rules
        )
    }:
        found |= more
    return frozenset(found)


class _Splitter:
    def __init__(
        self, chains: Mapping[str, Chain], accepting: frozenset[str], refuse: Refuse
    ) -> None:
        self._chains = chains
        self._accepting = accepting
        self._refuse = refuse

    def split(self, base: Chain) -> Iterable[Chain]:
        """Give the base chain, and the chains that its jumps to accepting chains come to."""
        rules: list[Rule] = []
        for index, rule in enumerate(base.rules):
            match rule.verdict:
                case Terminal.ACCEPT:
                    rules.append(replace(rule, verdict=Terminal.RETURN))
                case Jump(target) if target in self._accepting:
                    rest = Chain(f"{base.name}_rest{index}", base.rules[index + 1 :])
                    moved = f"{target}_{base.name}{index}"
                    rules.append(replace(rule, verdict=Goto(moved)))
                    end = Goto(rest.name) if rest.rules else Terminal.RETURN
                    yield self._leading_on(self._chains[target], moved, end)
                    if rest.rules:
                        yield from self.split(rest)
                case Goto(target) if target in self._accepting:
                    raise self._refuse("a goto to a chain that accepts", rule)
                case _:
                    rules.append(rule)
        yield replace(base, rules=tuple(rules))

    def _leading_on(self, chain: Chain, name: str, end: Goto | Terminal) -> Chain:
        """Return the chain under a new name: it accepts by RETURN, and returns by going on."""
        rules = [self._leading_rule(rule, end) for rule in chain.rules]
        return Chain(name, (*rules, Rule((), end)))

    def _leading_rule(self, rule: Rule, end: Goto | Terminal) -> Rule:
        match rule.verdict:
            case Terminal.ACCEPT:
                return replace(rule, verdict=Terminal.RETURN)
            case Terminal.RETURN:
                return replace(rule, verdict=end)
            case Lookup() | Goto():
                raise self._refuse("a look-up or goto beside an accept", rule)
            case Jump(target) if target in self._accepting:
                raise self._refuse("an accept below two jumps", rule)
            case _:
                return rule
