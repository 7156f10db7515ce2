"""The look-ups of base chains by which pods come to the rules about them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ...ir.match import SERVICE_FIELDS, Field
from ...ir.program import Jump, Lookup, Map, Program, Rule
from ...net import Family


class Entry(Struct, frozen=True):
    """A map from the addresses of pods to chains, and what of a packet is the pod and the peer."""

    map: Map
    subject: Field

    @property
    def peer(self) -> Field:
        """Where the peer of a pod stands."""
        return Field.DADDR if self.subject is Field.SADDR else Field.SADDR

    @property
    def family(self) -> Family:
        """The family of the addresses."""
        return self.map.family


def entries(program: Program) -> Iterator[Entry]:
    """Yield every entry of the program once."""
    maps = program.maps_by_name()
    seen: set[str] = set()
    for chain in program.chains:
        for rule in chain.rules if chain.hook else ():
            match rule:
                case Rule(matches=(), verdict=Lookup(fields=(subject,), map=name)):
                    if name not in seen:
                        seen.add(name)
                        yield Entry(maps[name], subject)
                case _:
                    pass


def count_judged(program: Program) -> tuple[int, int]:
    """Return how many ways of pods start with a map of peers or of ports, and of all.

    A pod has a way for each entry that leads it.
    """
    starts = {
        chain.name: chain.rules[0].verdict.fields
        for chain in program.chains
        if chain.rules and isinstance(chain.rules[0].verdict, Lookup)
    }
    by_map = total = 0
    for entry in entries(program):
        by = ((entry.peer,), SERVICE_FIELDS)
        for verdict, keys in entry.map.groups:
            total += len(keys)
            if isinstance(verdict, Jump) and starts.get(verdict.chain) in by:
                by_map += len(keys)
    return by_map, total
