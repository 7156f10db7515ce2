"""ACCEPT as RETURN: in iptables, ACCEPT would pass the packet by the host's own rules.

Our chains are left for good by returning from them, so whoever accepts must stand directly below
the host's chain, with no jump to come back to. A jump to a chain that accepts becomes a goto, and
what followed the jump becomes a chain that the rest of the way leads on to.

Before:  chain forward hook forward { invalid jump unusual; vmap @egress }
         chain unusual { icmp accept }
After:   chain forward hook forward { invalid goto unusual_to_forward_1; vmap @egress }
         chain unusual_to_forward_1 { icmp return; goto forward_1 }
         chain forward_1 { vmap @egress }
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from msgspec.structs import replace

from ....compiler.ir.program import Chain, Goto, Jump, Lookup, Map, Program, Rule, Terminal, Verdict
from ....compiler.ir.reachability import successors


def accept_by_return(program: Program) -> Program:
    """Return the program without ACCEPT; chains that lead to none stay the same objects."""
    writer = _Writer(program)
    for chain in program.chains:
        if chain.hook:
            rules = writer.rules(chain.name, chain.rules, "")
            writer.chains[chain.name] = replace(chain, rules=rules)
        elif chain.name not in writer.accepting:
            writer.chains[chain.name] = chain
    return replace(
        program,
        maps=tuple(writer.maps[name] for name in sorted(writer.maps)),
        chains=tuple(writer.chains[name] for name in sorted(writer.chains)),
    )


def _accepting(program: Program) -> frozenset[str]:
    """Return the names of the chains from which a packet may meet an ACCEPT."""
    maps = program.maps_by_name()
    accepting_maps = {item.name for item in program.maps if Terminal.ACCEPT in item.verdicts}

    def accepts(rule: Rule) -> bool:
        verdict = rule.verdict
        if verdict is Terminal.ACCEPT:
            return True
        if isinstance(verdict, Lookup) and verdict.map in accepting_maps:
            return True
        return not found.isdisjoint(successors(verdict, maps))

    found: set[str] = set()
    while more := {
        chain.name
        for chain in program.chains
        if chain.name not in found and any(map(accepts, chain.rules))
    }:
        found |= more
    return frozenset(found)


class _Writer:
    """Writes chains for packets that have nothing to come back to.

    ``then`` is the chain that goes on where such a chain returns or ends, "" for the host's chain.
    """

    def __init__(self, program: Program) -> None:
        self._known = program.chains_by_name()
        self._maps = program.maps_by_name()
        self.accepting = _accepting(program)
        self.chains: dict[str, Chain] = {}
        self.maps: dict[str, Map] = dict(self._maps)

    def _chain(self, name: str, then: str) -> str:
        """Write the chain that does as the named one and goes on; return what it is called."""
        if name not in self.accepting and not then:
            return name
        written = f"{name}_to_{then}" if then else name
        if written not in self.chains:
            rules = self.rules(written, self._known[name].rules, then)
            self.chains[written] = Chain(written, rules)
        return written

    def rules(self, name: str, rules: Sequence[Rule], then: str) -> tuple[Rule, ...]:
        """Return the rules of the chain to be written under the name."""
        made = []
        for index, rule in enumerate(rules):
            behind = _Behind(self, name, rules, index, then)
            if isinstance(rule.verdict, Lookup):
                made.append(replace(rule, verdict=self._lookup(rule.verdict, behind)))
            else:
                made.append(replace(rule, verdict=self._verdict(rule.verdict, behind)))
        return (*made, Rule((), Goto(then))) if then else tuple(made)

    def _lookup(self, lookup: Lookup, behind: _Behind) -> Lookup:
        table = self._maps[lookup.map]
        written = table.with_verdicts(lambda verdict: self._verdict(verdict, behind))
        if written is table:
            return lookup
        name = f"{table.name}_in_{behind.name}"
        self.maps[name] = replace(written, name=name)
        return replace(lookup, map=name)

    def _verdict(self, verdict: Verdict, behind: _Behind) -> Verdict:
        match verdict:
            case Terminal.ACCEPT:
                return Terminal.RETURN
            case Terminal.RETURN:
                return Goto(behind.then) if behind.then else verdict
            case Terminal():
                return verdict
            case Goto(target):
                return Goto(self._chain(target, behind.then))
            case Jump(target):
                if target not in self.accepting:
                    return verdict
                return Goto(self._chain(target, behind.write()))
            case _:
                assert_never(verdict)


class _Behind:
    """What follows a rule; it becomes a chain when a packet has to be led there."""

    def __init__(
        self, writer: _Writer, chain: str, rules: Sequence[Rule], index: int, then: str
    ) -> None:
        self._writer = writer
        self._rules = rules[index + 1 :]
        self.name = f"{chain}_{index}"
        self.then = then

    def write(self) -> str:
        """Write the chain, if there is need of one, and return its name."""
        if not self._rules:
            return self.then
        if self.name not in self._writer.chains:
            rules = self._writer.rules(self.name, self._rules, self.then)
            self._writer.chains[self.name] = Chain(self.name, rules)
        return self.name
