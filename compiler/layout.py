"""Classes of peers → maps and chains: which pod and port for which verdict.

A class has one map of its pods' single ports, and behind it what is left of each pod: a verdict,
or a chain of wide port ranges. What most pods have in common needs no map. Small classes share one
map that has the peer in its key, so that their number is no number of maps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .classes import PeerClass
from .costs import MOST_CLASS_ELEMENTS, MOST_CLASS_MAPS, MOST_PAIR_ELEMENTS, SHORTEST_SET
from .ir import (
    Chain,
    Field,
    Goto,
    Key,
    Keys,
    Lookup,
    Map,
    PortMatch,
    Rule,
    Terminal,
    Verdict,
    map_of,
)
from .names import digest_name
from .net import Interval, normalize
from .printer import print_rule
from .routes import Entry, Route
from .services import Services, services

_PORT_FIELDS = (Field.PROTOCOL, Field.DPORT)


_Keyed = Sequence[tuple[Key, Verdict]]


@dataclass(slots=True)
class Layout:
    """Where each peer of an entry goes, and what there is to go to, by name."""

    peers: list[tuple[Verdict, Keys]]
    """Of single addresses."""
    networks: list[tuple[Key, Verdict]]
    crowd: Verdict | None
    """Of the members of a very large set that are not listed."""
    maps: dict[str, Map]
    chains: dict[str, Chain]


class LayoutBuilder:
    """Lays out the classes of one entry."""

    def __init__(self, entry: Entry, routes: Sequence[Route]) -> None:
        """Start with nothing laid out."""
        self._entry = entry
        self._routes = routes
        self._names = [digest_name("", route.key) for route in routes]
        self._deny = routes[0].deny
        self._made = Layout([], [], None, {}, {})

    def build(self, classes: Iterable[PeerClass]) -> Layout | None:
        """Return the layout of the classes; None if there are none, or it takes too much.

        The first ones get maps of their own.
        """
        small: list[PeerClass] = []
        for item in classes:
            if len(self._made.maps) + 2 > MOST_CLASS_MAPS:
                small.append(item)
            else:
                self._lead(item, self._class(item))
        if small:
            whole = any(item.intervals or item.crowd for item in small)
            shared = None if whole else self._small(small)
            if shared is None:
                return None
            for item in small:
                self._lead(item, shared)
        if sum(map(len, self._made.maps.values())) > MOST_CLASS_ELEMENTS:
            return None
        leads = self._made.peers or self._made.networks or self._made.crowd
        return self._made if leads else None

    def _lead(self, item: PeerClass, verdict: Verdict) -> None:
        """Lead the peers of a class to the verdict."""
        if item.crowd:
            self._made.crowd = verdict
        self._made.peers += ((verdict, keys) for keys in item.lists)
        self._made.networks += (((part,), verdict) for part in normalize(item.intervals))

    def _class(self, item: PeerClass) -> Verdict:
        """Return where the peers of a class go."""
        forms = [services(allowed) for allowed in item.allowed]
        ports = self._ports_of_all(forms[0]) if len(set(forms)) == 1 else self._ports_by_pod(forms)
        return self._chain((*ports, *self._rest([self._behind(form) for form in forms])))

    def _ports_of_all(self, form: Services) -> Iterator[Rule]:
        if len(form.ports) < SHORTEST_SET:
            for protocol, port in form.ports:
                yield Rule((PortMatch(protocol, ((port, port),)),), self._otherwise(form))
            return
        elements = [
            (((protocol, protocol), (port, port)), self._otherwise(form))
            for protocol, port in form.ports
        ]
        yield from self._lookup("ports", _PORT_FIELDS, elements, (form.default, form.ports))

    def _ports_by_pod(self, forms: Sequence[Services]) -> Iterator[Rule]:
        elements = [
            (((pod, pod), (protocol, protocol), (port, port)), self._otherwise(form))
            for route, form in zip(self._routes, forms, strict=True)
            for pod in route.pods
            for protocol, port in form.ports
        ]
        signature = [
            (name, form.default, form.ports)
            for name, form in zip(self._names, forms, strict=True)
            if form.ports  # only these: the name is the same whoever else is there
        ]
        return self._lookup("ports", (self._entry.subject, *_PORT_FIELDS), elements, signature)

    def _small(self, classes: Sequence[PeerClass]) -> Verdict | None:
        """Return where the peers of all these classes go; None if that takes too many elements."""
        usual = [self._usual(classes, number) for number in range(len(self._routes))]
        cells = [
            (_peers(peer_class), route.pods, form, self._behind(form), expected)
            for peer_class in classes
            for route, allowed, expected in zip(
                self._routes, peer_class.allowed, usual, strict=True
            )
            for form in (services(allowed),)
        ]
        size = sum(
            len(peers) * len(pods) * (len(form.ports) + (behind != expected))
            for peers, pods, form, behind, expected in cells
        )
        if size > MOST_PAIR_ELEMENTS:
            return None
        ports: list[tuple[Key, Verdict]] = []
        behinds: list[tuple[Key, Verdict]] = []
        for peers, pods, form, behind, expected in cells:
            pairs = [(peer, (pod, pod)) for peer in peers for pod in pods]
            verdict = self._otherwise(form)
            for protocol, port in form.ports:
                tail = ((int(protocol), int(protocol)), (port, port))
                ports += (((*pair, *tail), verdict) for pair in pairs)
            if behind != expected:
                behinds += ((pair, behind) for pair in pairs)
        fields = (self._entry.peer, self._entry.subject)
        rules = (
            *self._lookup("pair_ports", (*fields, *_PORT_FIELDS), ports, ""),
            *self._lookup("pairs", fields, behinds, ""),
            *self._rest(usual),
        )
        return self._chain(rules)

    def _usual(self, classes: Iterable[PeerClass], number: int) -> Verdict:
        """Return what most peers of the classes get of a route behind single ports."""
        peers = Counter[Verdict]()
        for item in classes:
            peers[self._behind(services(item.allowed[number]))] += item.listed
        return _most(peers)

    def _otherwise(self, form: Services) -> Verdict:
        return self._deny if form.default else Terminal.RETURN

    def _behind(self, form: Services) -> Verdict:
        """Return what is left behind the single ports."""
        default = Terminal.RETURN if form.default else self._deny
        rules = [Rule((match,), self._otherwise(form)) for match in form.ranges]
        return self._chain((*rules, Rule((), default)))

    def _rest(self, verdicts: Sequence[Verdict]) -> Iterator[Rule]:
        """Yield the rules that give the pods of each route its verdict."""
        pods = Counter[Verdict]()
        for route, verdict in zip(self._routes, verdicts, strict=True):
            pods[verdict] += len(route.pods)
        usual = _most(pods)
        others = [
            (name, route, verdict)
            for name, route, verdict in zip(self._names, self._routes, verdicts, strict=True)
            if verdict != usual
        ]
        elements = [(((pod, pod),), verdict) for _, route, verdict in others for pod in route.pods]
        signature = [(name, str(verdict)) for name, _, verdict in others]
        yield from self._lookup("pods", (self._entry.subject,), elements, signature)
        yield Rule((), usual)

    def _lookup(
        self, kind: str, fields: tuple[Field, ...], elements: _Keyed, signature: object
    ) -> Iterator[Rule]:
        """Yield a rule that looks up in a map of the elements, if there are any."""
        if elements:
            name = digest_name(f"{self._entry.map.name}_{kind}", repr(signature))
            if name not in self._made.maps:
                key = tuple(field.type for field in fields)
                self._made.maps[name] = map_of(name, self._entry.family, key, elements)
            yield Rule((), Lookup(fields, name))

    def _chain(self, rules: Sequence[Rule]) -> Verdict:
        """Return the way to the rules: a verdict where they are no more than that, else a chain."""
        if len(rules) == 1 and not isinstance(rules[0].verdict, Lookup):
            return rules[0].verdict
        kept = tuple(rules[:-1] if rules[-1].verdict is Terminal.RETURN else rules)
        content = "\n".join(print_rule(rule) for rule in kept)
        name = digest_name(f"{self._entry.map.name}_class", content)
        self._made.chains[name] = Chain(name, kept)
        return Goto(name)


def _most(numbers: Counter[Verdict]) -> Verdict:
    verdict, _ = max(numbers.items(), key=lambda item: (item[1], str(item[0])))
    return verdict


def _peers(item: PeerClass) -> list[Interval]:
    return [peer for keys in item.lists for (peer,) in keys]
