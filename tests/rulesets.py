"""Rulesets of random worlds and of their changes, for tests of the node side."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from random import Random
from typing import Any

from cnpc.backends.apply.dataplane import RulesetSource
from cnpc.backends.base import Backend
from cnpc.backends.iptables.names import BACKEND
from cnpc.backends.iptables.passes import PASSES_WITHOUT_MAPS
from cnpc.backends.iptables.render import Iptables
from cnpc.backends.iptables.ruleset import IptablesRuleset, read_iptables
from cnpc.backends.nftables.render import Nftables
from cnpc.compiler.ir.program import Program
from cnpc.compiler.options import DEFAULT_LEVEL, DenyWith, Options
from cnpc.compiler.passes import PASSES
from cnpc.compiler.pipeline import Pipeline
from semantics.evaluation import read

_SECURITY = re.compile(r"^\*security\n.*?^COMMIT\n\n?", re.MULTILINE | re.DOTALL)

Documents = list[dict[str, Any]]


def program(
    documents: Documents,
    node: str = "",
    backend: type[Backend] = Nftables,
    level: int = DEFAULT_LEVEL,
    deny_with: DenyWith = DenyWith.DROP,
) -> Program:
    """Return the program of a node, or of the one with the most endpoints."""
    inputs = read(documents, unknown=False)
    passes = PASSES if backend.has_maps else PASSES_WITHOUT_MAPS
    options = Options(deny_with)
    pipeline = Pipeline(inputs.snapshot, inputs.policies, options, level, passes)
    names = pipeline.resolver.node_names()
    busiest = max(names, key=lambda name: (len(pipeline.resolver.local(name)), name))
    return pipeline.program(node or busiest)


def ruleset(documents: Documents, node: str = "") -> str:
    """Return the text that a node loads."""
    return (
        Nftables()
        .build(program(documents, node), ("Network policy", "", "  A policy"))
        .texts["nft"]
    )


def trio(
    documents: Documents, node: str = "", deny_with: DenyWith = DenyWith.DROP
) -> RulesetSource[IptablesRuleset]:
    """Return the ruleset for iptables of a node."""
    return trio_of(program(documents, node, Iptables, deny_with=deny_with))


def trio_of(item: Program) -> RulesetSource[IptablesRuleset]:
    """Return the ruleset for iptables of a program."""
    return of_texts(Iptables().build(item, ("Network policy", "", "  A policy")).texts)


def of_texts(texts: Mapping[str, str]) -> RulesetSource[IptablesRuleset]:
    """Return the ruleset of the texts for iptables."""
    return RulesetSource(BACKEND, texts, lambda: read_iptables(texts))


def earlier(made: RulesetSource[IptablesRuleset]) -> RulesetSource[IptablesRuleset]:
    """Return the ruleset as cnpc wrote it when all of it was in the table filter."""
    return of_texts(
        {
            suffix: _SECURITY.sub("", text.replace("*mangle\n", "*filter\n"))
            for suffix, text in made.texts.items()
        }
    )


def changed(documents: Documents, random: Random) -> Documents:
    """Return the manifests after one change: a pod or policy less, or a pod with other labels."""
    after = copy.deepcopy(documents)
    pods = [item for item in after if item["kind"] == "Pod"]
    policies = [item for item in after if "Policy" in item["kind"]]
    choice = random.random()
    if choice < 0.35 and len(pods) > 1:
        after.remove(random.choice(pods))
    elif choice < 0.7 or not policies:
        labels = random.choice(pods)["metadata"].get("labels", {})
        random.choice(pods)["metadata"]["labels"] = copy.deepcopy(labels)
    else:
        after.remove(random.choice(policies))
    return after


def blocks(listing: str) -> Mapping[str, str]:
    """Return what nft lists of the table, object by object, without the sizes of sets."""
    found = {}
    for piece in listing.split("\n\t}\n"):
        text = re.sub(r"\n\t\tsize \d+", "", piece.strip("\n")).removeprefix("table inet cnpc {\n")
        text = re.sub(r"__(set|map)\d+", r"__\1", text)
        found[text.split("\n")[0]] = text
    return found
