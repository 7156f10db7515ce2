"""Look up what the port of a packet is judged by, instead of asking rule by rule.

A port has mostly a rule or two, on peers whose sets are there anyway. Chains of many rules for each
port are left to ``dispatch``, which asks for the peer first.

Before:

    program "n"

    set a ipv4 address {
      10.0.0.2
      10.0.0.3
    }

    set b ipv4 address {
      10.0.0.4
      10.0.0.5
    }

    map m ipv4 address {
      10.0.1.1 : jump np
    }

    chain forward hook forward {
      lookup daddr in m
    }

    chain np {
      saddr @a tcp 80,443 return
      saddr @b tcp 81 return
      saddr @a udp 53 return
      saddr @b tcp 443 return
      saddr @b tcp 8080 return
      saddr @a tcp 8081 return
      drop
    }

After:

    program "n"

    set a ipv4 address {
      10.0.0.2
      10.0.0.3
    }

    set b ipv4 address {
      10.0.0.4
      10.0.0.5
    }

    map m ipv4 address {
      10.0.1.1 : jump np
    }

    map np_ports ipv4 protocol . port {
      tcp . 80 : goto port_a8db45e2e585
      tcp . 81 : goto port_b126ed0b5934
      tcp . 443 : goto port_cdc8e072ae50
      tcp . 8080 : goto port_b126ed0b5934
      tcp . 8081 : goto port_a8db45e2e585
      udp . 53 : goto port_a8db45e2e585
    }

    chain forward hook forward {
      lookup daddr in m
    }

    chain np {
      lookup protocol . dport in np_ports
      drop
    }

    chain port_a8db45e2e585 {
      saddr @a return
      drop
    }

    chain port_b126ed0b5934 {
      saddr @b return
      drop
    }

    chain port_cdc8e072ae50 {
      saddr @a return
      saddr @b return
      drop
    }
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from ..ir.fingerprint import fingerprint
from ..ir.match import SERVICE_FIELDS, Key, KeyType
from ..ir.names import digest_name
from ..ir.program import REJECTS, Chain, Goto, Lookup, Map, Program, Rule, Verdict, map_of
from ..ir.reachability import reachable
from ..net import Family
from .port_plan import ProtocolPort, final_verdict, port_plan, port_plans

_REMEMBERED = 8192


def by_port(program: Program) -> Program:
    """Return the program with maps from ports to the rules about them, where that is quicker."""
    chains = program.chains_by_name()
    made = [_make(chains[name], family) for name, (_, family) in port_plans(program).items()]
    if not made:
        return program
    new = (chain for item in made for chain in item.chains)
    return reachable(program.with_objects(new, (item.map for item in made)))


class _Made(Struct, frozen=True):
    """A map of ports, the chain that looks into it, and those that it leads to."""

    map: Map
    chains: tuple[Chain, ...]


@lru_cache(_REMEMBERED)
def _make(chain: Chain, family: Family) -> _Made:
    """Return what the form of a chain becomes; the same objects for each node that has it."""
    form = port_plan(chain)
    if form is None:
        raise AssertionError(f"chain {chain.name} has no form by ports")
    led: dict[tuple[Rule, ...], Chain] = {}
    elements = [(_key(service), _verdict(rules, led)) for service, rules in form.rules.items()]
    name = f"{chain.name}_ports"
    table = map_of(name, family, (KeyType.PROTOCOL, KeyType.PORT), elements)
    look_up = Rule((), Lookup(SERVICE_FIELDS, name))
    return _Made(table, (chain.with_rules((look_up, *form.rest)), *led.values()))


def _key(service: ProtocolPort) -> Key:
    protocol, port = service
    return (protocol, protocol), (port, port)


def _verdict(rules: tuple[Rule, ...], led: dict[tuple[Rule, ...], Chain]) -> Verdict:
    """Return the verdict of the rules if they are one for all, or the way to a chain of them.

    A map cannot reject.
    """
    verdict = final_verdict(rules[0])
    if verdict is not None and verdict not in REJECTS:
        return verdict
    if rules not in led:
        led[rules] = Chain(digest_name("port", fingerprint(rules)), rules)
    return Goto(led[rules].name)
