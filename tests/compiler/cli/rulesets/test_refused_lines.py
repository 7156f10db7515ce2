"""What nft refuses of an edited file is an error in that file."""

from __future__ import annotations

from cnpc.backends.nftables.node.dataplane import ruleset_source
from cnpc.compiler.cli.rulesets.digest_line import NO_DIGEST, with_digest
from cnpc.compiler.cli.rulesets.refused_lines import blame
from cnpc.compiler.errors import InputError, NodeError, Span

TEXT = f"""# Network policy of node n1
# {NO_DIGEST}

table inet cnpc {{
\tchain forward {{
\t\tjump unusual
\t}}
}}
"""
MADE = with_digest({"nft": TEXT})["nft"]
EDITED = MADE.replace("unusual", "unusul")
WORDS = """Error: Could not process rule: No such file or directory
\t\tjump unusul
\t\t     ^^^^^^"""


def test_the_line_is_found_in_an_edited_file() -> None:
    found = blame(NodeError(WORDS), ruleset_source(EDITED, "x.nft"), "x.nft")
    assert isinstance(found, InputError)
    (problem,) = found.diagnostics
    assert problem.span == Span("x.nft", 6, 8)
    assert problem.message == "nft: Could not process rule: No such file or directory"
    assert problem.text[problem.caret :] == "unusul"


def test_a_file_as_compiled_is_not_blamed() -> None:
    refusal = NodeError(WORDS)
    assert blame(refusal, ruleset_source(MADE, "x.nft"), "x.nft") is refusal


def test_a_refusal_without_a_line_is_the_node_s() -> None:
    refusal = NodeError("Message too long")
    assert blame(refusal, ruleset_source(EDITED, "x.nft"), "x.nft") is refusal


def test_a_line_that_the_file_does_not_have_is_the_node_s() -> None:
    refusal = NodeError(WORDS.replace("unusul", "other"))
    assert blame(refusal, ruleset_source(EDITED, "x.nft"), "x.nft") is refusal
