"""What the forms of a ruleset cost: the numbers behind every choice of the optimizer.

Nanoseconds of a first packet, from measurements of nft rules in an inet table on Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Collection

SHORTEST_SET = 5
"""From how many items on a list is worth an anonymous set, and no longer a rule for each."""

LONGEST_RANGE = 16
"""How many ports a range may have to become so many elements of a map; a longer one is a rule."""

MOST_SETS = 500
"""Above how many sets and maps of a ruleset, those within rules included, there is a warning."""

MOST_CLASS_MAPS = 110
"""How many maps the classes of one family and direction may take; the time to load a table grows
with the square of its sets."""

MOST_CLASS_ELEMENTS = 250_000
MOST_PAIR_ELEMENTS = 100_000

_SET_RULE = 150
_PLAIN_RULE = 20
_DISPATCH = 350
"""Two chains, a look-up of the peer among thousands, and one of pod, protocol and port."""


_BY_PORT = 50
"""What a chain and a look-up of the port among hundreds take longer than one of the rules."""

MOST_PORT_MAPS = 256
"""How many chains of one family may have a map of their ports."""


def scan(set_rules: int, plain_rules: int) -> float:
    """Return the nanoseconds of a chain of so many rules, half of which a packet meets."""
    return (_SET_RULE * set_rules + _PLAIN_RULE * plain_rules) / 2


def scan_by_port(scans: Collection[float]) -> float:
    """Return the nanoseconds of a look-up of the port and what is left for it, in the mean."""
    return _BY_PORT + sum(scans) / len(scans)


def takes_long(nanoseconds: float) -> bool:
    """Tell whether a chain that takes so long may be better replaced by look-ups in maps."""
    return nanoseconds > _DISPATCH


_LARGE_SET = 4096


def is_large_set(addresses: int) -> bool:
    """Tell whether a set is so large that a look into it costs less than it takes to divide it.

    Each node would have a copy of its own, but for the few that the node's pods treat otherwise.
    """
    return addresses >= _LARGE_SET


_FEW_RANGES = 512
_WORTH = 16


def ranges_pay(addresses: int, ranges: int) -> bool:
    """Tell whether a set is better written as ranges of neighbours.

    A look takes 100 ns longer, and one that comes or goes has all ranges sent again; but nft takes
    2 to 4 us to load an address, for each node.
    """
    return is_large_set(addresses) and ranges <= _FEW_RANGES and _WORTH * ranges <= addresses


_INTERVALS = 150
_HALVING = 35
"""A look into a set of intervals, and what it takes longer for each doubling of their number."""


def networks_pay(rules: float, intervals: int) -> bool:
    """Tell whether a map of so many intervals is quicker than the rules, half of which are met."""
    return _PLAIN_RULE * rules / 2 > _INTERVALS + _HALVING * intervals.bit_length()


LARGEST_COMPARED = 256
"""How many elements a set may have for its rules to be pruned by what other rules hold of it. The
100 nodes of a cluster of 10,000 pods take a third longer to compile if 4,096 are compared."""
