"""Look up what a peer gets, instead of asking rule by rule whether it is meant.

Peers that sets list are in one map, whatever the number of rules. Networks are in a map of
intervals behind it where there are many, and else stay rules, as those on any address do for all
other peers. Pods with a rule on a set that only the node knows stay as they are, and so do all if
maps of ports are quick enough for each (``by_port``); here it is as if those took long.

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
      10.0.0.1 : jump m_peers
    }

    map m_peers ipv4 address {
      10.0.0.2 : goto m_class_433911c6eb0d
      10.0.0.3 : goto m_class_e459e2743bfe
      10.0.0.4 : goto m_class_a120d0ad50f1
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

    chain m_class_433911c6eb0d {
      tcp 80 return
      udp 53 return
      drop
    }

    chain m_class_a120d0ad50f1 {
      tcp 81 return
      tcp 82 return
      udp 54 return
      drop
    }

    chain m_class_e459e2743bfe {
      lookup protocol . dport in m_ports_cfc85af9631b
      drop
    }

    chain m_peers {
      lookup saddr in m_peers
      saddr 192.0.2.0-192.0.2.255 return
      drop
    }
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from ...ir.match import AddressMatch, Field, Key, KeyType, Match, SetMatch
from ...ir.names import digest_name
from ...ir.packet_space import is_exact, lists_addresses
from ...ir.printer import print_rule
from ...ir.program import (
    Chain,
    Goto,
    Jump,
    Lookup,
    Map,
    Program,
    Rule,
    Terminal,
    Verdict,
    in_order,
    map_of,
)
from ...ir.reachability import denials_of, reachable
from ..cost_model import networks_pay, scan, takes_long
from ..port_plan import port_forms
from .build_maps import Layout, LayoutBuilder
from .equivalence import classify
from .partition import Listed, kinds
from .pod_paths import Entry, Longest, Route, Router, entries


def dispatch(program: Program) -> Program:
    """Return the program with maps from peers to what they get, where that is quicker."""
    longest = Longest(program)
    long = [item for item in entries(program) if takes_long(scan(*longest.rules(_firsts(item))))]
    if not long:
        return program
    current = program
    saved = {name: form.saved for name, (form, _) in port_forms(program).items()}
    for entry in long:
        routes = _slow(Router(program, entry).routes(), saved)
        if routes and (found := _lay_out(entry, routes)):
            current = _Rewriting(current, entry, routes, *found).program()
    return program if current is program else reachable(current)


def _firsts(entry: Entry) -> Iterable[str]:
    return (verdict.chain for verdict in entry.map.verdicts if isinstance(verdict, Jump))


def _slow(routes: Sequence[Route], saved: Mapping[str, float]) -> list[Route]:
    """Return the routes that take long as they are; none if maps of ports make all of them quick.

    Where some need maps of peers, the others may have them as well: their sets go. ``saved`` are
    the nanoseconds that maps of ports would save in chains that may have one.
    """
    slow = [route for route in routes if takes_long(_scan(route))]
    left = (_scan(route) - sum(saved.get(name, 0) for name in route.steps) for route in slow)
    return slow if any(map(takes_long, left)) else []


def _scan(route: Route) -> float:
    """Return the nanoseconds of a route's rules; those on networks stay rules, for most peers."""
    tests = list(route.tests())
    listed = sum(isinstance(test.peers, Listed) and len(test.peers.keys) > 1 for test in tests)
    return scan(listed, len(tests) - listed)


def _lay_out(entry: Entry, routes: Sequence[Route]) -> tuple[Layout, str] | None:
    """Return the layout, with a map of networks too if that pays and is not too large.

    The name is that of a very large set that stays a set.
    """
    peers = [test.peers for route in routes for test in route.tests() if test.peers is not None]
    found = kinds(peers, entry.family)
    rules = sum(not isinstance(item, Listed) for item in peers) / len(routes)
    intervals = sum(len(kind.intervals) for kind in found.kinds)
    for networks in (True, False) if networks_pay(rules, intervals) else (False,):
        classes = classify(routes, found, networks=networks)
        layout = LayoutBuilder(entry, routes, classes).build()
        if layout is not None:
            return layout, found.crowd.set if found.crowd else ""
    return None


class _Rewriting:
    """Leads the pods of some routes past the maps of their peers, and to what is left of rules."""

    def __init__(
        self,
        program: Program,
        entry: Entry,
        routes: Sequence[Route],
        layout: Layout,
        crowd: str,
    ) -> None:
        """Index the program."""
        self._program = program
        self._entry = entry
        self._routes = routes
        self._layout = layout
        self._crowd = crowd
        self._pods = frozenset(pod for route in routes for pod in route.pods)
        self._chains = program.chains_by_name()
        self._maps = program.maps_by_name()
        self._sets = program.sets_by_name()
        self._rests: dict[str, Verdict] = {}
        self._made_maps: dict[str, Map] = {}
        self._made_chains: dict[str, Chain] = {}

    def program(self) -> Program:
        """Return the program with the layout in it."""
        start, entry = self._start(), self._entry.map
        led = [
            (key, start if key[0][0] in self._pods else verdict) for key, verdict in entry.elements
        ]
        self._made_maps[entry.name] = map_of(entry.name, entry.family, entry.key, led)
        chains = (*self._layout.chains.values(), *self._made_chains.values())
        maps = (*self._layout.maps.values(), *self._made_maps.values())
        return self._program.having(chains, maps)

    def _start(self) -> Verdict:
        """Return the way to the one chain where all these pods begin: maps of peers, and a rest.

        It is one chain for all of them, because what packets of many pods run through stays in
        the processor's caches.
        """
        name = f"{self._entry.map.name}_peers"
        rules: list[Rule] = []
        if self._layout.peers:
            table = Map(name, self._entry.family, (KeyType.ADDRESS,), in_order(self._layout.peers))
            rules.append(self._lookup(table, self._entry.peer))
        if self._layout.crowd:
            rules.append(Rule((SetMatch((self._entry.peer,), self._crowd),), self._layout.crowd))
        if self._layout.networks:
            table = self._by_address("networks", self._layout.networks)
            rules.append(self._lookup(table, self._entry.peer))
        self._made_chains[name] = Chain(name, (*rules, *self._behind_maps()))
        return Jump(name)

    def _behind_maps(self) -> Sequence[Rule]:
        """Return the rules for peers that are in no map: each pod's own, where they differ."""
        starts = dict.fromkeys(route.start for route in self._routes)
        if len({self._rest(start) for start in starts}) == 1:
            return self._left(next(iter(starts)))
        elements = [
            (((pod, pod),), self._rest(route.start)) for route in self._routes for pod in route.pods
        ]
        return (self._lookup(self._by_address("rest", elements), self._entry.subject),)

    def _by_address(self, kind: str, elements: Sequence[tuple[Key, Verdict]]) -> Map:
        name = f"{self._entry.map.name}_{kind}"
        return map_of(name, self._entry.family, (KeyType.ADDRESS,), elements)

    def _lookup(self, table: Map, field: Field) -> Rule:
        self._made_maps[table.name] = table
        return Rule((), Lookup((field,), table.name))

    def _rest(self, name: str) -> Verdict:
        """Return the way to what is left of a chain."""
        known = self._rests.get(name)
        if known is None:
            chain = self._chains[name]
            rules = chain.rules if denials_of(chain) else self._left(name)
            if rules == chain.rules:
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
        """Return the rules of a chain for peers that have no place in the maps."""
        rules: list[Rule] = []
        for rule in self._chains[name].rules:
            if any(self._has_place(match) for match in rule.matches):
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

    def _has_place(self, match: Match) -> bool:
        """Tell whether the match is about peers that have a place in the maps."""
        match match:
            case SetMatch(set=name):
                return bool(self._layout.networks) or lists_addresses(self._sets[name])
            case AddressMatch(intervals=intervals):
                return bool(self._layout.networks) or is_exact(intervals)
            case _:
                return False

    def _rest_map(self, name: str, fields: tuple[Field, ...]) -> Lookup | None:
        """Return the look-up that leads these pods to what is left of their chains."""
        elements = [
            (key, self._rest(verdict.chain) if isinstance(verdict, Goto) else verdict)
            for key, verdict in self._maps[name].elements
            if key[0][0] in self._pods
        ]
        if not elements:
            return None
        suffix = name.removeprefix(self._entry.map.name)
        rest = self._by_address(f"rest{suffix}", elements)
        self._made_maps[rest.name] = rest
        return Lookup(fields, rest.name)
