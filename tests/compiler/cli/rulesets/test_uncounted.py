"""What counters do not count is told: maps decide for many rules, and rules stand for others'."""

from __future__ import annotations

from pathlib import Path

import pytest
from cnpc.compiler.cli.rulesets.counting import counting
from cnpc.compiler.cli.rulesets.read_header import Header, header_of_text
from cnpc.compiler.cli.rulesets.uncounted import counting_rules, uncounted, words_of_uncounted
from command import CLUSTER, STORIES, cnpc

LONG = "a" * 200
HEADER = Header(
    "n1",
    "-O2",
    (
        "ClusterNetworkPolicy one, tier Admin (generation 3)",
        "NetworkPolicy red/one, tier NetworkPolicy",
        f"NetworkPolicy red/{LONG}, tier NetworkPolicy",
    ),
)


@pytest.mark.parametrize(
    ("rules", "without"),
    [
        ([], (0, 1, 2)),
        (["Admin one ingress[0] name +2", f"NetworkPolicy red/{LONG[:90]}..."], (1,)),
        (["Baseline one ingress[0]", "Admin one-more egress[1]"], (0, 1, 2)),
        (["NetworkPolicy red/one egress isolation"], (0, 2)),
    ],
)
def test_policies_of_which_no_rule_tells(rules: list[str], without: tuple[int, ...]) -> None:
    assert uncounted(HEADER, rules) == tuple(HEADER.policies[number] for number in without)


def test_what_people_are_told_of_it() -> None:
    assert not list(words_of_uncounted(1, HEADER.policies, ()))
    (line,) = words_of_uncounted(2, HEADER.policies, ())
    assert line.startswith("not counted: what -O2 decides for many rules at once; -O1 counts")
    _, number, *names = words_of_uncounted(2, HEADER.policies, HEADER.policies[:2])
    assert number == "no rule counts for 2 of 3 policies:"
    assert names == [f"  {policy}" for policy in HEADER.policies[:2]]
    *_, last = words_of_uncounted(1, HEADER.policies, HEADER.policies * 4)
    assert last == "  ... 2 more"


@pytest.mark.parametrize("backend", ["nftables", "iptables"])
@pytest.mark.parametrize("story", ["2-allow", "3-delegate", "5-baseline"])
def test_each_rule_counts_at_o1(tmp_path: Path, backend: str, story: str) -> None:
    done = cnpc("compile", CLUSTER, STORIES / story, "-O1", "--backend", backend, "-o", tmp_path)
    assert done.code == 0, done.err
    texts = {path.suffix: path.read_text() for path in tmp_path.glob("worker-1.*")}
    if backend == "nftables":
        assert not list(counting_rules(texts))
        texts = {suffix: counting(text) for suffix, text in texts.items()}
    header = header_of_text(next(iter(texts.values())))
    assert header.policies
    assert uncounted(header, counting_rules(texts)) == ()
