"""Look up what a peer gets, instead of asking rule by rule whether it is meant.

Peers that sets list are in one map, whatever the number of rules; rules on networks and on any
address stay for all others. Pods with a rule on a set that only the node knows stay as they are.

Before:

    program "n"

    set a ipv4 address {
      10.0.0.2
      10.0.0.3
    }

    set b ipv4 address {
      10.0.0.3
      10.0.0.4
    }

    map m ipv4 address {
      10.0.0.1 : jump np
    }

    chain forward hook forward {
      lookup daddr in m
    }

    chain np {
      saddr @a tcp 80 return
      saddr @a udp 53 return
      saddr 192.0.2.0-192.0.2.255 return
      saddr @b tcp 81 return
      saddr @b tcp 82 return
      saddr @b udp 54 return
      drop
    }

After:

    program "n"

    map m ipv4 address {
      10.0.0.1 : jump m_rest_d13ec15e21ad
    }

    map m_peers ipv4 address {
      10.0.0.2 : goto m_class_34365e718d43
      10.0.0.3 : goto m_class_90d6606dba2d
      10.0.0.4 : goto m_class_f6c2fb452d25
    }

    map m_ports_08198e7175cc ipv4 protocol . port {
      tcp . 80 : return
      udp . 53 : return
    }

    map m_ports_1ae7e228a633 ipv4 protocol . port {
      tcp . 81 : return
      tcp . 82 : return
      udp . 54 : return
    }

    map m_ports_cfc85af9631b ipv4 protocol . port {
      tcp . 80 : return
      tcp . 81 : return
      tcp . 82 : return
      udp . 53 : return
      udp . 54 : return
    }

    chain forward hook forward {
      lookup daddr in m
    }

    chain m_class_34365e718d43 {
      lookup protocol . dport in m_ports_08198e7175cc
      drop
    }

    chain m_class_90d6606dba2d {
      lookup protocol . dport in m_ports_cfc85af9631b
      drop
    }

    chain m_class_f6c2fb452d25 {
      lookup protocol . dport in m_ports_1ae7e228a633
      drop
    }

    chain m_rest_d13ec15e21ad {
      lookup saddr in m_peers
      saddr 192.0.2.0-192.0.2.255 return
      drop
    }
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..classes import classify
from ..costs import dispatch_pays
from ..ir import (
    AddressMatch,
    Chain,
    Field,
    Goto,
    Jump,
    KeyType,
    Lookup,
    Map,
    Match,
    Program,
    Rule,
    SetMatch,
    Terminal,
    Verdict,
)
from ..layout import Layout, LayoutBuilder
from ..names import digest_name
from ..printer import print_rule
from ..reach import reachable
from ..routes import Entry, Route, Router, entries
from ..space import is_exact, lists_addresses


def dispatch(program: Program) -> Program:
    """Return the program with maps from peers to what they get, where that is quicker."""
    current = program
    for entry in entries(program):
        routes = [route for route in Router(program, entry).routes() if _pays(route)]
        if routes and (layout := LayoutBuilder(entry, routes).build(classify(routes))):
            current = _Rewriting(current, entry, routes).program(layout)
    return program if current is program else reachable(current)


def _pays(route: Route) -> bool:
    tests = list(route.tests())
    listed = sum(test.exact and len(test.peers or ()) > 1 for test in tests)
    return dispatch_pays(listed, len(tests) - listed)


class _Rewriting:
    """Leads the pods of some routes past the maps of their peers, and to what is left of rules."""

    def __init__(self, program: Program, entry: Entry, routes: Sequence[Route]) -> None:
        """Index the program."""
        self._program = program
        self._entry = entry
        self._routes = routes
        self._pods = frozenset(pod for route in routes for pod in route.pods)
        self._chains = program.chains_by_name()
        self._maps = program.maps_by_name()
        self._listed = {item.name for item in program.sets if lists_addresses(item)}
        self._rests: dict[str, Verdict] = {}
        self._made_maps: dict[str, Map] = {}
        self._made_chains: dict[str, Chain] = {}

    def program(self, layout: Layout) -> Program:
        """Return the program with the layout in it."""
        entry = self._entry
        peers = self._peers(layout)
        ahead = Rule((), Lookup((entry.peer,), peers.name))
        starts = {route.start: self._start(route.start, ahead) for route in self._routes}
        start_of = {pod: starts[route.start] for route in self._routes for pod in route.pods}
        led = tuple((key, start_of.get(key[0][0], old)) for key, old in entry.map.elements)
        maps = {**self._maps, **layout.maps, **self._made_maps, peers.name: peers}
        maps[entry.map.name] = replace(entry.map, elements=led)
        chains = {**self._chains, **layout.chains, **self._made_chains}
        return replace(
            self._program,
            maps=tuple(maps[name] for name in sorted(maps)),
            chains=tuple(chains[name] for name in sorted(chains)),
        )

    def _peers(self, layout: Layout) -> Map:
        elements = tuple(
            (((peer, peer),), verdict) for peer, verdict in sorted(layout.peers, key=_first)
        )
        name = f"{self._entry.map.name}_peers"
        return Map(name, self._entry.family, (KeyType.ADDRESS,), elements)

    def _start(self, name: str, ahead: Rule) -> Verdict:
        return Jump(self._make((ahead, *self._left(name))))

    def _rest(self, name: str) -> Verdict:
        """Return the way to what is left of a chain."""
        known = self._rests.get(name)
        if known is None:
            rules = self._left(name)
            if rules == self._chains[name].rules:
                known = Goto(name)
            else:
                known = Goto(self._make(rules)) if rules else Terminal.RETURN
            self._rests[name] = known
        return known

    def _make(self, rules: tuple[Rule, ...]) -> str:
        content = "\n".join(print_rule(rule) for rule in rules)
        name = digest_name(f"{self._entry.map.name}_rest", content)
        self._made_chains[name] = Chain(name, rules)
        return name

    def _left(self, name: str) -> tuple[Rule, ...]:
        """Return the rules of a chain for peers that no set lists."""
        rules: list[Rule] = []
        for rule in self._chains[name].rules:
            if any(self._lists(match) for match in rule.matches):
                continue
            match rule.verdict:
                case Lookup(fields, table):
                    verdict: Verdict | Lookup | None = self._rest_map(table, fields)
                case Goto(chain):
                    verdict = self._rest(chain)
                case unchanged:
                    verdict = unchanged
            if verdict is not None:
                rules.append(rule if verdict == rule.verdict else replace(rule, verdict=verdict))
        return tuple(rules)

    def _lists(self, match: Match) -> bool:
        """Tell whether the match is about peers that have a place in the map of peers."""
        match match:
            case SetMatch(set=name):
                return name in self._listed
            case AddressMatch(intervals=intervals):
                return is_exact(intervals)
            case _:
                return False

    def _rest_map(self, name: str, fields: tuple[Field, ...]) -> Lookup | None:
        """Return the look-up that leads these pods to what is left of their chains."""
        elements = tuple(
            (key, self._rest(verdict.chain) if isinstance(verdict, Goto) else verdict)
            for key, verdict in self._maps[name].elements
            if key[0][0] in self._pods
        )
        if not elements:
            return None
        entry = self._entry.map.name
        rest = f"{entry}_rest{name.removeprefix(entry)}"
        self._made_maps[rest] = replace(self._maps[name], name=rest, elements=elements)
        return Lookup(fields, rest)


def _first(peer: tuple[int, Verdict]) -> int:
    return peer[0]
