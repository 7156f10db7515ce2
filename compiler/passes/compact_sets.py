"""Write large sets of neighbours, such as all pods of a cluster, as ranges of addresses.

Thousands, that is; here it is as if 16 were many.

Before:

    program "n"

    set pods ipv4 address {
      10.0.0.1
      10.0.0.2
      10.0.0.3
      10.0.0.4
      10.0.0.5
      10.0.0.6
      10.0.0.7
      10.0.0.8
      10.0.0.9
      10.0.0.10
      10.0.0.11
      10.0.0.12
      10.0.0.13
      10.0.0.14
      10.0.0.15
      10.0.0.16
    }

    chain forward hook forward {
      saddr @pods accept
    }

After:

    program "n"

    set pods ipv4 address {
      10.0.0.1-10.0.0.16
    }

    chain forward hook forward {
      saddr @pods accept
    }
"""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from ..ir.packet_space import addresses_of, lists_addresses
from ..ir.program import Program, Set
from ..net import normalize
from .cost_model import is_large_set, ranges_pay

_REMEMBERED = 8192


def compact(program: Program) -> Program:
    """Return the program with ranges in sets of many addresses, where they are few."""
    sets = tuple(
        _compact(item) if is_large_set(len(item.elements)) else item for item in program.sets
    )
    return program if sets == program.sets else replace(program, sets=sets)


@lru_cache(_REMEMBERED)
def _compact(item: Set) -> Set:
    """Return the set; the same object for every node that has it."""
    if not lists_addresses(item):
        return item
    ranges = normalize(addresses_of(item))
    if not ranges_pay(len(item.elements), len(ranges)):
        return item
    return replace(item, elements=tuple((found,) for found in ranges))
