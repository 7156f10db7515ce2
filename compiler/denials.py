"""Which verdicts deny, and which chains do nothing else."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from .ir import REJECTS, Chain, Lookup, Terminal, Verdict

DENIALS: AbstractSet[Verdict | Lookup] = frozenset((Terminal.DROP, *REJECTS))


def denials_of(chain: Chain) -> AbstractSet[Verdict | Lookup]:
    """Return what a chain does that denies whatever comes to it; nothing for other chains."""
    verdicts = {rule.verdict for rule in chain.rules}
    denies = chain.rules and not chain.rules[-1].matches and verdicts <= DENIALS
    return verdicts if denies else set()
