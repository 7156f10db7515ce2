"""The comment at the head of a ruleset stays a comment, whatever names say."""

from __future__ import annotations

from cnpc.compiler.cli.header import header
from cnpc.compiler.options import Options
from lowered import cnp, inputs, namespace, node


def test_line_breaks_in_names_do_not_end_the_comment() -> None:
    read = inputs(node("n1"), namespace("red"), cnp())
    lines = header("n1\ndelete table ip filter\r", read.snapshot, read.policies, Options(), 1)
    assert not any("\n" in line or "\r" in line for line in lines)
