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

    map m_ports_dfc37b488a19 ipv4 protocol . port {
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
      lookup protocol . dport in m_ports_dfc37b488a19
      drop
    }

    chain m_peers {
      lookup saddr in m_peers
      saddr 192.0.2.0-192.0.2.255 return
      drop
    }
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ...ir.fingerprint import fingerprint
from ...ir.match import AddressMatch, Field, Key, KeyType, Match, SetMatch
from ...ir.names import digest_name
from ...ir.packet_space import is_exact, lists_addresses
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
from ...ir.reachability import deny_verdicts_of, reachable
from ..cost_model import networks_pay
from ..port_plan import port_plans
from .build_maps import PeerMaps, build_maps
from .entries import Entry, entries
from .equivalence import classify
from .partition import ListedAddresses, peer_atoms
from .path_cost import LongestPaths, may_take_long, slow_paths
from .pod_paths import PathFinder, PodPath


def dispatch(program: Program) -> Program:
    """Return the program with maps from peers to what they get, where that is quicker."""
    longest = LongestPaths(program)
    long = [item for item in entries(program) if may_take_long(item, longest)]
    if not long:
        return program
    current = program
    saved = {name: form.saved for name, (form, _) in port_plans(program).items()}
    for entry in long:
        paths = slow_paths(PathFinder(program, entry).paths(), saved)
        if paths and (found := _build_peer_maps(entry, paths)):
            current = _Rewriting(current, entry, paths, *found).program()
    return program if current is program else reachable(current)


def _build_peer_maps(entry: Entry, paths: Sequence[PodPath]) -> tuple[PeerMaps, str] | None:
    """Return the maps, with one of networks if that pays and is not too large.

    The name is that of the large set that stays a set; "" if none does.
    """
    peers = [test.peers for path in paths for test in path.tests() if test.peers is not None]
    found = peer_atoms(peers, entry.family)
    rules = sum(not isinstance(item, ListedAddresses) for item in peers) / len(paths)
    intervals = sum(len(atom.intervals) for atom in found.atoms)
    for networks in (True, False) if networks_pay(rules, intervals) else (False,):
        classes = classify(paths, found, networks=networks)
        peer_maps = build_maps(entry, paths, classes)
        if peer_maps is not None:
            return peer_maps, found.large_set.set if found.large_set else ""
    return None


class _Rewriting:
    """Leads the pods of some paths through the maps of their peers, then to the residual rules."""

    def __init__(
        self,
        program: Program,
        entry: Entry,
        paths: Sequence[PodPath],
        peer_maps: PeerMaps,
        large_set: str,
    ) -> None:
        """Index the program."""
        self._program = program
        self._entry = entry
        self._paths = paths
        self._peer_maps = peer_maps
        self._large_set = large_set
        self._pods = frozenset(pod for path in paths for pod in path.pods)
        self._chains = program.chains_by_name()
        self._maps = program.maps_by_name()
        self._sets = program.sets_by_name()
        self._residuals: dict[str, Verdict] = {}
        self._made_maps: dict[str, Map] = {}
        self._made_chains: dict[str, Chain] = {}

    def program(self) -> Program:
        """Return the program with the maps in it."""
        start, entry = self._start(), self._entry.map
        led = [
            (key, start if key[0][0] in self._pods else verdict) for key, verdict in entry.elements
        ]
        self._made_maps[entry.name] = map_of(entry.name, entry.family, entry.key, led)
        chains = (*self._peer_maps.chains.values(), *self._made_chains.values())
        maps = (*self._peer_maps.maps.values(), *self._made_maps.values())
        return self._program.with_objects(chains, maps)

    def _start(self) -> Verdict:
        """Return the jump to the chain where all these pods begin: maps of peers, then a rest.

        All pods share it, because a chain that many packets run through stays in the processor's
        caches.
        """
        name = f"{self._entry.map.name}_peers"
        rules: list[Rule] = []
        if self._peer_maps.peers:
            table = Map(
                name, self._entry.family, (KeyType.ADDRESS,), in_order(self._peer_maps.peers)
            )
            rules.append(self._lookup(table, self._entry.peer))
        if self._peer_maps.large_set:
            rules.append(
                Rule((SetMatch((self._entry.peer,), self._large_set),), self._peer_maps.large_set)
            )
        if self._peer_maps.networks:
            table = self._by_address("networks", self._peer_maps.networks)
            rules.append(self._lookup(table, self._entry.peer))
        self._made_chains[name] = Chain(name, (*rules, *self._fallthrough_rules()))
        return Jump(name)

    def _fallthrough_rules(self) -> Sequence[Rule]:
        """Return the rules for peers that are in no map: each pod's own, where they differ."""
        starts = dict.fromkeys(path.start for path in self._paths)
        if len({self._residual(start) for start in starts}) == 1:
            return self._residual_rules(next(iter(starts)))
        elements = [
            (((pod, pod),), self._residual(path.start)) for path in self._paths for pod in path.pods
        ]
        return (self._lookup(self._by_address("rest", elements), self._entry.subject),)

    def _by_address(self, atom: str, elements: Sequence[tuple[Key, Verdict]]) -> Map:
        name = f"{self._entry.map.name}_{atom}"
        return map_of(name, self._entry.family, (KeyType.ADDRESS,), elements)

    def _lookup(self, table: Map, field: Field) -> Rule:
        self._made_maps[table.name] = table
        return Rule((), Lookup((field,), table.name))

    def _residual(self, name: str) -> Verdict:
        """Return the verdict that leads to the residual rules of a chain."""
        known = self._residuals.get(name)
        if known is None:
            chain = self._chains[name]
            rules = chain.rules if deny_verdicts_of(chain) else self._residual_rules(name)
            if rules == chain.rules:
                known = Goto(name)
            else:
                known = Goto(self._make(rules)) if rules else Terminal.RETURN
            self._residuals[name] = known
        return known

    def _make(self, rules: tuple[Rule, ...]) -> str:
        name = digest_name(f"{self._entry.map.name}_rest", fingerprint(rules))
        self._made_chains[name] = Chain(name, rules)
        return name

    def _residual_rules(self, name: str) -> tuple[Rule, ...]:
        """Return the rules of a chain for the peers that no map holds."""
        rules: list[Rule] = []
        for rule in self._chains[name].rules:
            if any(self._has_place(match) for match in rule.matches):
                continue
            match rule.verdict:
                case Lookup(fields, table):
                    verdict: Verdict | Lookup | None = self._residual_map(table, fields)
                case Goto(chain):
                    verdict = self._residual(chain)
                case unchanged:
                    verdict = unchanged
            if verdict is not None:
                rules.append(rule if verdict == rule.verdict else replace(rule, verdict=verdict))
        return tuple(rules)

    def _has_place(self, match: Match) -> bool:
        """Tell whether the maps hold the peers of the match."""
        match match:
            case SetMatch(set=name):
                return bool(self._peer_maps.networks) or lists_addresses(self._sets[name])
            case AddressMatch(intervals=intervals):
                return bool(self._peer_maps.networks) or is_exact(intervals)
            case _:
                return False

    def _residual_map(self, name: str, fields: tuple[Field, ...]) -> Lookup | None:
        """Return the look-up that leads these pods to the residual rules of their chains."""
        elements = [
            (key, self._residual(verdict.chain) if isinstance(verdict, Goto) else verdict)
            for key, verdict in self._maps[name].elements
            if key[0][0] in self._pods
        ]
        if not elements:
            return None
        suffix = name.removeprefix(self._entry.map.name)
        residual = self._by_address(f"rest{suffix}", elements)
        self._made_maps[residual.name] = residual
        return Lookup(fields, residual.name)
