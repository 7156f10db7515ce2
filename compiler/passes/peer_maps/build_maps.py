"""Classes of peers → maps and chains: which pod and port for which verdict.

A class has one map of its pods' single ports, and behind it what is left of each pod: a verdict,
or a chain of wide port ranges. That is mostly the same for all classes, which share a map of it,
and what most pods have in common needs none. A few elements are rules. Small classes share one map
that has the peer in its key, so that their number is no number of maps.

What elements by the thousand lead to is named by the class, and not by what it is: where a pod
comes that needs other rules, the chains of classes change and the peers stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from ...ir.fingerprint import fingerprint
from ...ir.match import SERVICE_FIELDS, AddressMatch, Field, Key, Match, PortMatch
from ...ir.names import digest_name, numbered_name
from ...ir.program import Chain, Goto, Keys, Lookup, Map, Rule, Terminal, Verdict, map_of
from ...net import Interval, Protocol, normalize
from ..cost_model import MOST_CLASS_ELEMENTS, MOST_CLASS_MAPS, MOST_PAIR_ELEMENTS, SHORTEST_SET
from .entries import Entry
from .equivalence import PeerClass
from .pod_paths import PodPath
from .port_defaults import PortDefaults, port_defaults

_Keyed = Sequence[tuple[Key, Verdict]]


class PeerMaps(Struct):
    """Where each peer of an entry goes, and what there is to go to, by name."""

    peers: list[tuple[Verdict, Keys]]
    """Of single addresses."""
    networks: list[tuple[Key, Verdict]]
    large_set: Verdict | None
    """Of the members of a very large set that are not listed."""
    maps: dict[str, Map]
    chains: dict[str, Chain]


def build_maps(
    entry: Entry, paths: Sequence[PodPath], classes: Sequence[PeerClass]
) -> PeerMaps | None:
    """Return the maps of an entry's classes of peers; None if there are none, or too much in them.

    The first classes get maps of their own.
    """
    return _Builder(entry, paths).build(classes)


class _Builder:
    """Adds maps and chains as it leads class after class to them."""

    def __init__(self, entry: Entry, paths: Sequence[PodPath]) -> None:
        self._entry = entry
        self._paths = paths
        self._deny = paths[0].deny
        self._made = PeerMaps([], [], None, {}, {})
        self._fallthroughs: dict[PortDefaults, Verdict] = {}
        self._majority: Sequence[Verdict] = ()
        self._rules_of_majority: tuple[Rule, ...] = ()

    def build(self, classes: Sequence[PeerClass]) -> PeerMaps | None:
        """Return the maps; None if there are none, or too much in them."""
        remainders = [self._fallthroughs_of(item) for item in classes]
        listed = [item.listed for item in classes]
        self._majority = [_most(column, listed) for column in zip(*remainders, strict=True)]
        small: list[PeerClass] = []
        for item, remainder in zip(classes, remainders, strict=True):
            if len(self._made.maps) + 2 > MOST_CLASS_MAPS:
                small.append(item)
            else:
                self._lead(item, self._class(item, remainder))
        if small:
            whole = any(item.intervals or item.large_set for item in small)
            shared = None if whole else self._small(small)
            if shared is None:
                return None
            for item in small:
                self._lead(item, shared)
        if sum(map(len, self._made.maps.values())) > MOST_CLASS_ELEMENTS:
            return None
        leads = self._made.peers or self._made.networks or self._made.large_set
        return self._made if leads else None

    def _fallthroughs_of(self, item: PeerClass) -> list[Verdict]:
        """Return what the peers of a class get of each route behind single ports."""
        return [self._fallthrough(port_defaults(allowed)) for allowed in item.allowed]

    def _lead(self, item: PeerClass, verdict: Verdict) -> None:
        """Lead the peers of a class to the verdict."""
        if item.large_set:
            self._made.large_set = verdict
        self._made.peers += ((verdict, keys) for keys in item.lists)
        self._made.networks += (((part,), verdict) for part in normalize(item.intervals))

    def _class(self, item: PeerClass, fallthrough: Sequence[Verdict]) -> Verdict:
        """Return where the peers of a class go."""
        forms = [port_defaults(allowed) for allowed in item.allowed]
        same = len(set(forms)) == 1
        ports = self._ports_of_all(forms[0]) if same else self._ports_by_pod(item.stable_id, forms)
        remainder = self._remainder(item.stable_id, fallthrough)
        return self._chain(self._name("class", item.stable_id), (*ports, *remainder))

    def _ports_of_all(self, form: PortDefaults) -> Iterator[Rule]:
        elements = [
            (((protocol, protocol), (port, port)), self._otherwise(form))
            for protocol, port in form.ports
        ]
        ports = [(int(protocol), port) for protocol, port in form.ports]
        name = digest_name(self._name("ports"), ascii((form.default, ports)))
        return self._by(SERVICE_FIELDS, elements, name)

    def _ports_by_pod(self, stable_id: int, forms: Sequence[PortDefaults]) -> Iterator[Rule]:
        elements = [
            (((pod, pod), (protocol, protocol), (port, port)), self._otherwise(form))
            for path, form in zip(self._paths, forms, strict=True)
            for pod in path.pods
            for protocol, port in form.ports
        ]
        fields = (self._entry.subject, *SERVICE_FIELDS)
        return self._by(fields, elements, self._name("pod_ports", stable_id))

    def _remainder(self, stable_id: int, verdicts: Sequence[Verdict]) -> Iterable[Rule]:
        """Return the rules that give the pods of each route its verdict.

        They are the pods that most peers treat otherwise, or, if those are fewer, the pods that
        get something else than most pods.
        """
        if verdicts == self._majority:
            return self._add_majority()
        most = self._most_pods(verdicts)
        apart = self._pods(verdicts, [most] * len(verdicts))
        minority = self._pods(verdicts, self._majority)
        name = self._name("pods", stable_id)
        if len(apart) <= len(minority):
            return (*self._by((self._entry.subject,), apart, name), Rule((), most))
        return (*self._by((self._entry.subject,), minority, name), *self._add_majority())

    def _add_majority(self) -> tuple[Rule, ...]:
        """Return the rules that give pods what most peers get; their map is added once."""
        if not self._rules_of_majority:
            most = self._most_pods(self._majority)
            apart = self._pods(self._majority, [most] * len(self._majority))
            rules = self._by((self._entry.subject,), apart, self._name("pods"))
            self._rules_of_majority = (*rules, Rule((), most))
        return self._rules_of_majority

    def _most_pods(self, verdicts: Sequence[Verdict]) -> Verdict:
        return _most(verdicts, [len(path.pods) for path in self._paths])

    def _pods(self, verdicts: Sequence[Verdict], expected: Sequence[Verdict]) -> _Keyed:
        """Return the pods of the routes whose verdict is not the expected one."""
        return [
            (((pod, pod),), verdict)
            for path, verdict, other in zip(self._paths, verdicts, expected, strict=True)
            if verdict != other
            for pod in path.pods
        ]

    def _small(self, classes: Sequence[PeerClass]) -> Verdict | None:
        """Return where the peers of all these classes go; None if that takes too many elements."""
        cells = [
            (_peers(peer_class), path.pods, form, self._fallthrough(form), expected)
            for peer_class in classes
            for path, allowed, expected in zip(
                self._paths, peer_class.allowed, self._majority, strict=True
            )
            for form in (port_defaults(allowed),)
        ]
        size = sum(
            len(peers) * len(pods) * (len(form.ports) + (fallthrough != expected))
            for peers, pods, form, fallthrough, expected in cells
        )
        if size > MOST_PAIR_ELEMENTS:
            return None
        ports: list[tuple[Key, Verdict]] = []
        fallthroughs: list[tuple[Key, Verdict]] = []
        for peers, pods, form, fallthrough, expected in cells:
            pairs = [(peer, (pod, pod)) for peer in peers for pod in pods]
            verdict = self._otherwise(form)
            for protocol, port in form.ports:
                tail = ((int(protocol), int(protocol)), (port, port))
                ports += (((*pair, *tail), verdict) for pair in pairs)
            if fallthrough != expected:
                fallthroughs += ((pair, fallthrough) for pair in pairs)
        fields = (self._entry.peer, self._entry.subject)
        rules = (
            *self._lookup((*fields, *SERVICE_FIELDS), ports, self._name("pair_ports")),
            *self._lookup(fields, fallthroughs, self._name("pairs")),
            *self._add_majority(),
        )
        return self._chain(self._name("pairs"), rules)

    def _otherwise(self, form: PortDefaults) -> Verdict:
        return self._deny if form.default else Terminal.RETURN

    def _fallthrough(self, form: PortDefaults) -> Verdict:
        """Return what is left behind the single ports."""
        known = self._fallthroughs.get(form)
        if known is None:
            default = Terminal.RETURN if form.default else self._deny
            ranges = (Rule((match,), self._otherwise(form)) for match in form.ranges)
            rules = (*ranges, Rule((), default))
            name = digest_name(self._name("ranges"), fingerprint(rules))
            known = self._fallthroughs[form] = self._chain(name, rules)
        return known

    def _by(self, fields: tuple[Field, ...], elements: _Keyed, name: str) -> Iterator[Rule]:
        """Yield what gives each key its verdict: a look-up, or rules if they are a few."""
        if len(elements) < SHORTEST_SET:
            return (Rule(self._matches(fields, key), verdict) for key, verdict in elements)
        return self._lookup(fields, elements, name)

    def _matches(self, fields: tuple[Field, ...], key: Key) -> tuple[Match, ...]:
        parts = dict(zip(fields, key, strict=True))
        matches: list[Match] = []
        if pod := parts.get(self._entry.subject):
            matches.append(AddressMatch(self._entry.subject, self._entry.family, (pod,)))
        if port := parts.get(Field.DPORT):
            matches.append(PortMatch(Protocol(parts[Field.PROTOCOL][0]), (port,)))
        return tuple(matches)

    def _lookup(self, fields: tuple[Field, ...], elements: _Keyed, name: str) -> Iterator[Rule]:
        """Yield a rule that looks up in a map of the elements, if there are any."""
        if elements:
            if name not in self._made.maps:
                key = tuple(field.type for field in fields)
                self._made.maps[name] = map_of(name, self._entry.family, key, elements)
            yield Rule((), Lookup(fields, name))

    def _chain(self, name: str, rules: Sequence[Rule]) -> Verdict:
        """Return the way to the rules: a verdict where they are no more than that, else a chain."""
        if len(rules) == 1 and not isinstance(rules[0].verdict, Lookup):
            return rules[0].verdict
        kept = tuple(rules[:-1] if rules[-1].verdict is Terminal.RETURN else rules)
        self._made.chains[name] = Chain(name, kept)
        return Goto(name)

    def _name(self, atom: str, stable_id: int | None = None) -> str:
        prefix = f"{self._entry.map.name}_{atom}"
        return prefix if stable_id is None else numbered_name(prefix, stable_id)


def _most(verdicts: Sequence[Verdict], weights: Sequence[int]) -> Verdict:
    """Return the verdict of the largest weight."""
    numbers: dict[Verdict, int] = {}
    for verdict, weight in zip(verdicts, weights, strict=True):
        numbers[verdict] = numbers.get(verdict, 0) + weight
    return max(numbers, key=lambda verdict: (numbers[verdict], str(verdict)))


def _peers(item: PeerClass) -> list[Interval]:
    return [peer for keys in item.lists for (peer,) in keys]
