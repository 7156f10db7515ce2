"""Which verdicts deny, and which chains do nothing else."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from .ir import REJECTS, Chain, Lookup, Terminal, Verdict
from .names import SELF

DENIALS: AbstractSet[Verdict | Lookup] = frozenset((Terminal.DROP, *REJECTS))


def denials_of(chain: Chain) -> AbstractSet[Verdict | Lookup]:
    """Return what a chain does that denies whatever comes to it; nothing for other chains.

    What a pod sends to itself may be judged anew there.
    """
    rules = chain.rules[1:] if judges_self(chain) else chain.rules
    verdicts = {rule.verdict for rule in rules}
    denies = rules and not rules[-1].matches and verdicts <= DENIALS
    return verdicts if denies else set()


def judges_self(chain: Chain) -> bool:
    """Tell whether a chain first judges anew what pods send to themselves.

    It can stand for any denial of its direction: its map judges such a packet by all that counts,
    whatever rule has denied it, and has no others.
    """
    first = chain.rules[0].verdict if chain.rules else None
    return isinstance(first, Lookup) and first.map.startswith(SELF)
