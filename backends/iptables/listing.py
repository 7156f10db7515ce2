"""An iptables ruleset as people are shown it: sets and chains by what the compiler calls them.

A set's name changes with its contents, and chains are numbered; in words, a set keeps its name
while entries come and go, so that the difference of two rulesets is that of the policies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..nftables.ruleset import NftChain, NftRuleset, NftSet
from ..text_slice import TextSlice
from .ruleset import ChainText, IptablesRuleset

_SIZES = re.compile(r" hashsize \d+ maxelem \d+| range \S+")
_TAG = re.compile(r"(cnpc-\S+)-[0-9a-f]{7}")
_TARGET = re.compile(r"(?<=-[gj] )(CNPC-\S+)$")
_BETWEEN = ",\n\t\t\t"


def readable(ruleset: IptablesRuleset) -> NftRuleset:
    """Return the ruleset in words; chains are named by family and what they are."""
    tables = {}
    for item in ruleset.sets.values():
        name = item.name if item.dynamic else _TAG.sub(r"\1", item.name)
        head = f'\t\ttype {_SIZES.sub("", item.parameters)}\n\t\tcomment "{item.note}"'
        tables[name] = NftSet("set", name, head, TextSlice.whole(_BETWEEN.join(item.entries())))
    chains = {}
    for family, own in ruleset.families.items():
        for chain in own.values():
            name = f"{family} {chain.note}"
            rules = tuple(_rule(rule, own) for rule in chain.rules)
            chains[name] = NftChain(name, "", rules)
    return NftRuleset(ruleset.header, tables, chains)


def _rule(rule: str, chains: Mapping[str, ChainText]) -> str:
    """Return a rule without the name of its chain, with its target in words."""
    text = _TAG.sub(r"\1", rule.split(" ", 2)[2])
    return _TARGET.sub(lambda found: chains[found[1]].note, text)
