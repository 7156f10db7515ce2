"""The comment at the head of a ruleset stays a comment, whatever names say."""

from __future__ import annotations

from cnpc.compiler.cli.first_line import first_line, node_of
from cnpc.compiler.cli.header import header
from cnpc.compiler.options import Options
from lowered import cnp, inputs, namespace, node


def test_line_breaks_in_names_do_not_end_the_comment() -> None:
    read = inputs(node("n1"), namespace("red"), cnp())
    lines = header("n1\ndelete table ip filter\r", read.snapshot, read.policies, Options(), 1)
    assert not any("\n" in line or "\r" in line for line in lines)


def test_one_is_not_many() -> None:
    read = inputs(node("n1"), namespace("red"), cnp())
    lines = header("n1", read.snapshot, read.policies, Options(), 1)
    assert lines[3] == "Snapshot: 1 namespace, 1 node, 0 endpoints"


def test_the_first_line_says_whose_it_is() -> None:
    assert node_of(f"# {first_line('n1')}\n#\n") == "n1"
    assert node_of("table inet filter {}\n") is None
