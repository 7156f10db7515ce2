"""The comment at the head of a ruleset stays a comment, whatever names say, and is read back."""

from __future__ import annotations

import pytest
from cnpc.compiler.cli.rulesets import header as module
from cnpc.compiler.cli.rulesets.header import Compilation, first_line, header, node_of
from cnpc.compiler.cli.rulesets.read_header import Header, header_of, header_of_text
from cnpc.compiler.manifests.load import Inputs
from cnpc.compiler.options import Options
from lowered import cnp, inputs, namespace, node, pod


def lines(read: Inputs, name: str = "n1") -> tuple[str, ...]:
    """Return the header of a node on which all policies are in force."""
    compilation = Compilation(read.snapshot, len(read.policies), Options(), 1)
    pods = [item for item in read.snapshot.endpoints if item.node == name]
    return header(name, compilation, read.policies, pods)


def test_line_breaks_in_names_do_not_end_the_comment() -> None:
    read = inputs(node("n1"), namespace("red"), cnp())
    assert not any(
        "\n" in line or "\r" in line for line in lines(read, "n1\ndelete table ip filter\r")
    )


def test_one_is_not_many() -> None:
    read = inputs(node("n1"), namespace("red"), cnp())
    assert lines(read)[3] == "Snapshot: 1 namespace, 1 node, 0 endpoints"


def test_the_first_line_says_whose_it_is() -> None:
    assert node_of(f"# {first_line('n1')}\n#\n") == "n1"
    assert node_of("table inet filter {}\n") is None


def test_the_header_is_read_back() -> None:
    read = inputs(
        node("n1"),
        namespace("red"),
        pod("red/a", "10.0.0.1 fd00::1"),
        pod("red/b", "10.0.0.2", node="n2"),
        cnp(),
    )
    found = header_of(lines(read))
    assert found.node == "n1"
    assert found.level == 1
    assert not found.has_counters
    assert (len(found.policies), found.policies_read, found.endpoints) == (1, 1, 2)
    assert found.pods == ("red/a",)
    assert found.names == {"10.0.0.1": "red/a", "fd00::1": "red/a", "10.0.0.2": "red/b"}


def test_of_large_clusters_only_the_own_pods_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    read = inputs(
        node("n1"),
        namespace("red"),
        pod("red/a", "10.0.0.1"),
        pod("red/b", "10.0.0.2", node="n2"),
    )
    monkeypatch.setattr(module, "_MOST_PODS", 1)
    assert header_of(lines(read)).names == {"10.0.0.1": "red/a"}


@pytest.mark.parametrize("text", ["", "#\n", "table inet cnpc {\n", "# Policies: many\n\n"])
def test_what_says_nothing_of_itself_is_read_as_that(text: str) -> None:
    assert header_of_text(text) == Header()
