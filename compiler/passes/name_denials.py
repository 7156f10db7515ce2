"""Let only rules that deny name the policies they come from, so that the others can be one.

What is asked of a node is why it dropped a packet. A name costs each rule of iptables 288 bytes of
the kernel's memory, and keeps chains apart that are otherwise equal.

Before:

    program "n"

    chain c {
      tcp 80 return ; NetworkPolicy "ns/web" ingress 0 ""
      drop ; NetworkPolicy "ns/web" ingress - ""
    }

    chain forward hook forward {
      jump c
    }

After:

    program "n"

    chain c {
      tcp 80 return
      drop ; NetworkPolicy "ns/web" ingress - ""
    }

    chain forward hook forward {
      jump c
    }
"""

from __future__ import annotations

from msgspec.structs import replace

from ..ir import Chain, Program, Rule, Terminal

_DENIES = (Terminal.DROP, Terminal.REJECT_RESET, Terminal.REJECT_PROHIBITED)


def name_denials(program: Program) -> Program:
    """Return the program with the origins of rules that drop or reject, and of no others."""
    chains = tuple(_named(chain) for chain in program.chains)
    return program if chains == program.chains else replace(program, chains=chains)


def _named(chain: Chain) -> Chain:
    rules = tuple(_unnamed(rule) for rule in chain.rules)
    return chain if rules == chain.rules else replace(chain, rules=rules)


def _unnamed(rule: Rule) -> Rule:
    return replace(rule, origins=()) if rule.origins and rule.verdict not in _DENIES else rule
