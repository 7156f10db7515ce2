"""docs/ir.md shows programs that are valid, in the form in which they are printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.ir.printer import print_program
from cnpc.compiler.ir.verifier import verify

PAGE = Path(__file__).parents[2] / "docs" / "ir.md"
SHOWN = re.findall(r"```\n(program .*?)```\n", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("text", SHOWN)
def test_a_program_of_the_page_is_valid_and_printed_as_shown(text: str) -> None:
    program = parse_program(text)
    assert verify(program) == ()
    assert print_program(program) == text


def test_the_page_shows_programs() -> None:
    assert len(SHOWN) == PAGE.read_text().count("```") // 2 > 1
