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

from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from ....compiler.ir.program import Chain, Goto, Lookup, Program, Verdict
from ....compiler.ir.reachability import DENY_VERDICTS, deny_verdicts_of


def name_denials(program: Program) -> Program:
    """Return the program with the origins of rules that drop or reject, and of no others."""
    ways = (Goto(chain.name) for chain in program.chains if deny_verdicts_of(chain))
    denying = DENY_VERDICTS | set(ways)
    chains = tuple(_named(chain, denying) for chain in program.chains)
    return program if chains == program.chains else replace(program, chains=chains)


def _named(chain: Chain, denying: AbstractSet[Verdict | Lookup]) -> Chain:
    rules = tuple(
        rule if not rule.origins or rule.verdict in denying else replace(rule, origins=())
        for rule in chain.rules
    )
    return chain.with_rules(rules)
