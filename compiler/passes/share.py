"""Let equal chains be one chain.

Before:

    program "n"

    map m ipv4 address {
      10.0.0.1 : jump a
      10.0.0.2 : jump b
    }

    chain a {
      tcp 80 return
      drop
    }

    chain b {
      tcp 80 return
      drop
    }

    chain forward hook forward {
      lookup daddr in m
    }

After:

    program "n"

    map m ipv4 address {
      10.0.0.1 : jump a
      10.0.0.2 : jump a
    }

    chain a {
      tcp 80 return
      drop
    }

    chain forward hook forward {
      lookup daddr in m
    }
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..ir import Chain, Goto, Jump, Lookup, Map, Program, Rule, Verdict


def share(program: Program) -> Program:
    """Return the program with one chain, the first by name, for all that have the same rules.

    Chains that go to what has become one can be equal in their turn, so it goes on until none is.
    """
    current = program
    while renamed := _equal_chains(current):
        current = replace(
            current,
            maps=tuple(_rename_map(item, renamed) for item in current.maps),
            chains=tuple(
                _rename_chain(chain, renamed)
                for chain in current.chains
                if chain.name not in renamed
            ),
        )
    return current


def _equal_chains(program: Program) -> Mapping[str, str]:
    """Return, for each chain that repeats an earlier one, the earlier one's name."""
    first: dict[tuple[Rule, ...], str] = {}
    renamed: dict[str, str] = {}
    for chain in program.chains:
        if chain.hook is None:
            name = first.setdefault(chain.rules, chain.name)
            if name != chain.name:
                renamed[chain.name] = name
    return renamed


def _rename_map(item: Map, renamed: Mapping[str, str]) -> Map:
    elements = tuple((key, _rename(verdict, renamed)) for key, verdict in item.elements)
    return item if elements == item.elements else replace(item, elements=elements)


def _rename_chain(chain: Chain, renamed: Mapping[str, str]) -> Chain:
    rules = tuple(_rename_rule(rule, renamed) for rule in chain.rules)
    return chain if rules == chain.rules else replace(chain, rules=rules)


def _rename_rule(rule: Rule, renamed: Mapping[str, str]) -> Rule:
    if isinstance(rule.verdict, Lookup):
        return rule
    verdict = _rename(rule.verdict, renamed)
    return rule if verdict is rule.verdict else replace(rule, verdict=verdict)


def _rename(verdict: Verdict, renamed: Mapping[str, str]) -> Verdict:
    match verdict:
        case Jump(target) if target in renamed:
            return Jump(renamed[target])
        case Goto(target) if target in renamed:
            return Goto(renamed[target])
        case _:
            return verdict
