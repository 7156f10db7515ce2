"""What people are told of two rulesets: policies and pods that came, went or changed."""

from __future__ import annotations

import pytest
from cnpc.compiler.cli.rulesets.policy_diff import compare_headers, contents, in_words
from cnpc.compiler.cli.rulesets.read_header import Header


def header(policies: str, pods: str = "", endpoints: int = 9) -> Header:
    """Return the header of a ruleset with policies, as ``name`` or ``name@generation``."""
    lines = []
    for policy in policies.split():
        name, _, generation = policy.partition("@")
        lines.append(f"P {name}, tier T" + (f" (generation {generation})" if generation else ""))
    return Header("n1", "", tuple(lines), 5, endpoints, tuple(pods.split()))


OLD = header("a b@1", "red/x red/y")


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (OLD, ""),
        (header("a b@1 c d", "red/x red/y"), "2 policies more"),
        (header("b@1", "red/x red/y"), "1 policy fewer"),
        (header("", "red/x red/y"), "2 policies fewer"),
        (header("b@1 c d", "red/x red/y"), "+2 -1 policies"),
        (header("a b@2", "red/x red/y"), "1 policy changed"),
        (header("a b@2 c", "red/y"), "1 policy more, 1 policy changed, 1 pod fewer"),
        (header("a b@1", "red/x red/y red/z", 10), "1 pod more"),
        (header("a b@1", "red/z", 8), "+1 -2 pods"),
        (header("a b@1", "red/x red/y", 10), "1 pod more on other nodes"),
        (header("a b@1", "red/x red/y", 7), "2 pods fewer on other nodes"),
    ],
)
def test_what_differs_is_told_in_words(new: Header, words: str) -> None:
    assert in_words(compare_headers(OLD, new)) == words


def test_what_a_ruleset_does_not_say_is_not_told() -> None:
    unknown = Header()
    assert in_words(compare_headers(unknown, OLD)) == "2 policies more"
    assert in_words(compare_headers(OLD, unknown)) == "2 policies fewer"
    assert contents(unknown) == "0 policies"
    assert contents(OLD) == "2 policies, 2 pods"
