"""Drop what can never match, and the ways that lead nowhere.

Before:

    program "n"

    set none ipv4 address {
    }

    chain admin {
      saddr @none drop
      goto np
    }

    chain forward hook forward {
      jump admin
      tcp 80 drop
    }

    chain np {
    }

After:

    program "n"

    chain forward hook forward {
      tcp 80 drop
    }
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from ..ir.match import SetMatch
from ..ir.program import Chain, Goto, Jump, Lookup, Map, Program, Rule, Terminal, Verdict, map_of
from ..ir.reachability import reachable


def drop_empty(program: Program) -> Program:
    """Return the program without rules on empty sets, empty chains, and what nothing refers to.

    A dynamic set is filled on the node, and so never counts as empty.
    """
    current = _without_idle_rules(program)
    leading = {chain.name for chain in current.chains if _leads_on(chain)}
    while (smaller := _without_empty_chains(current, leading)) is not current:
        current = smaller
    reached = reachable(current)
    return program if reached == program else reached


def _without_idle_rules(program: Program) -> Program:
    empty = {item.name for item in program.sets if not item.elements and not item.dynamic}
    chains = tuple([_without_tests(chain, empty) for chain in program.chains])
    return program if chains == program.chains else replace(program, chains=chains)


def _without_tests(chain: Chain, sets: AbstractSet[str]) -> Chain:
    """Return the chain without the rules that look into any of the sets, nor returns at its end."""
    if _test(chain.rules, sets):
        left = tuple([rule for rule in chain.rules if not _test((rule,), sets)])
        chain = chain.with_rules(left)
    return _without_returns(chain)


def _test(rules: Iterable[Rule], sets: AbstractSet[str]) -> bool:
    for rule in rules:
        for match in rule.matches:
            if isinstance(match, SetMatch) and match.set in sets:
                return True
    return False


def _without_empty_chains(program: Program, leading: AbstractSet[str]) -> Program:
    """Take one step: who goes to an empty chain returns, who looks up in an empty map goes on.

    Only chains that lead on, which are mostly few, can become others. The program itself is
    returned where there is no step to take.
    """
    gone = {chain.name for chain in program.chains if not chain.rules and not chain.hook}
    maps = tuple(_redirect_map(item, gone) for item in program.maps) if gone else program.maps
    empty = {item.name for item in maps if not item.groups}
    if not gone and not empty:
        return program
    chains = tuple(
        [
            _without_returns(_redirect_chain(chain, gone, empty))
            if chain.name in leading
            else chain
            for chain in program.chains
        ]
    )
    if maps == program.maps and chains == program.chains:
        return program
    return replace(program, maps=maps, chains=chains)


def _redirect_map(item: Map, gone: AbstractSet[str]) -> Map:
    targets = [verdict.chain for verdict, _ in item.groups if not isinstance(verdict, Terminal)]
    if gone.isdisjoint(targets):
        return item
    elements = (
        (key, redirected)
        for key, verdict in item.elements
        if (redirected := _redirect(verdict, gone)) is not None
    )
    return map_of(item.name, item.family, item.key, elements)


def _redirect_chain(chain: Chain, gone: AbstractSet[str], empty: AbstractSet[str]) -> Chain:
    rules: list[Rule] = []
    for rule in chain.rules:
        if isinstance(rule.verdict, Lookup):
            if rule.verdict.map not in empty:
                rules.append(rule)
            continue
        verdict = _redirect(rule.verdict, gone)
        if verdict is not None:
            rules.append(rule if verdict == rule.verdict else replace(rule, verdict=verdict))
    return chain.with_rules(tuple(rules))


def _without_returns(chain: Chain) -> Chain:
    """Return the chain without rules at its end that say what the end says."""
    while _returns(chain):
        chain = chain.with_rules(chain.rules[:-1])
    return chain


def _returns(chain: Chain) -> bool:
    """Tell whether the last rule says what the end says."""
    rules = chain.rules
    return bool(rules) and rules[-1].verdict is _RETURN and not rules[-1].origins


_RETURN = Terminal.RETURN


def _leads_on(chain: Chain) -> bool:
    for rule in chain.rules:  # noqa: SIM110 - any() takes three times as long
        if not isinstance(rule.verdict, Terminal):
            return True
    return False


def _redirect(verdict: Verdict, gone: AbstractSet[str]) -> Verdict | None:
    """Return what the verdict comes to without the chains; None where it comes to nothing."""
    match verdict:
        case Goto(target) if target in gone:
            return Terminal.RETURN
        case Jump(target) if target in gone:
            return None
        case _:
            return verdict
