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
      tcp . 80 : goto port_0da40cad7543
      tcp . 81 : goto port_798803b97b40
      tcp . 443 : goto port_e7c999433c3a
      tcp . 8080 : goto port_798803b97b40
      tcp . 8081 : goto port_0da40cad7543
      udp . 53 : goto port_0da40cad7543
    }

    chain forward hook forward {
      lookup daddr in m
    }

    chain np {
      lookup protocol . dport in np_ports
      drop
    }

    chain port_0da40cad7543 {
      saddr @a return
      drop
    }

    chain port_798803b97b40 {
      saddr @b return
      drop
    }

    chain port_e7c999433c3a {
      saddr @a return
      saddr @b return
      drop
    }
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from msgspec.structs import replace

from ..costs import MOST_PORT_MAPS, dispatch_pays, scan
from ..ir import Chain, Field, Goto, Key, KeyType, Lookup, Map, Program, Rule, Verdict, map_of
from ..names import digest_name
from ..net import Family
from ..port_forms import PortForm, Service, final_verdict, port_form
from ..printer import print_rule
from ..reach import families_of_chains, reachable

_REMEMBERED = 8192


def by_port(program: Program) -> Program:
    """Return the program with maps from ports to the rules about them, where that is quicker.

    A map is for one family, and so must be the packets that come to the chain.
    """
    made = list(_made_of(program))
    if not made or len(made) > MOST_PORT_MAPS:
        return program
    made_chains = {chain.name: chain for item in made for chain in item.chains}
    chains = {**program.chains_by_name(), **made_chains}
    maps = {**program.maps_by_name(), **{item.map.name: item.map for item in made}}
    return reachable(
        replace(
            program,
            maps=tuple(maps[name] for name in sorted(maps)),
            chains=tuple(chains[name] for name in sorted(chains)),
        )
    )


@dataclass(frozen=True, slots=True)
class _Made:
    """A map of ports, the chain that looks into it, and those that it leads to."""

    map: Map
    chains: tuple[Chain, ...]


def _made_of(program: Program) -> Iterator[_Made]:
    long = (chain for chain in program.chains if dispatch_pays(scan(len(chain.rules), 0)))
    forms = [(chain, port_form(chain)) for chain in long if chain.hook is None]
    families = families_of_chains(program) if any(form for _, form in forms) else {}
    for chain, form in forms:
        if form and len(families[chain.name]) == 1:
            (family,) = families[chain.name]
            yield _make(chain, form, family)


@lru_cache(_REMEMBERED)
def _make(chain: Chain, form: PortForm, family: Family) -> _Made:
    """Return what the form of a chain becomes; the same objects for each node that has it."""
    led: dict[tuple[Rule, ...], Chain] = {}
    elements = [(_key(service), _verdict(rules, led)) for service, rules in form.rules.items()]
    name = f"{chain.name}_ports"
    table = map_of(name, family, (KeyType.PROTOCOL, KeyType.PORT), elements)
    look_up = Rule((), Lookup((Field.PROTOCOL, Field.DPORT), name))
    return _Made(table, (replace(chain, rules=(look_up, *form.rest)), *led.values()))


def _key(service: Service) -> Key:
    protocol, port = service
    return (protocol, protocol), (port, port)


def _verdict(rules: tuple[Rule, ...], led: dict[tuple[Rule, ...], Chain]) -> Verdict:
    """Return the verdict of the rules if they are one for all, or the way to a chain of them."""
    if (verdict := final_verdict(rules[0])) is not None:
        return verdict
    if rules not in led:
        content = "\n".join(map(print_rule, rules))
        led[rules] = Chain(digest_name("port", content), rules)
    return Goto(led[rules].name)
