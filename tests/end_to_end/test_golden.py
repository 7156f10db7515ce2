"""Whole compilations of small inputs: tests/golden/CASE/ holds the input and all that comes of it.

``CNPC_REWRITE_GOLDEN=1 pytest tests/end_to_end/test_golden.py`` writes the expectations anew;
then read the difference, line by line, before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cnpc.backends.nftables.render import Nftables
from cnpc.compiler.ir.printer import print_program
from cnpc.compiler.manifests.load import load
from cnpc.compiler.options import DEFAULT_LEVEL
from cnpc.compiler.passes import PASSES
from cnpc.compiler.pipeline import Pipeline, checked

FOLDER = Path(__file__).parents[1] / "golden"
NODE = "n1"


def compiled(case: str) -> dict[str, str]:
    """Return the contents of each expected file by its name."""
    inputs = load([str(FOLDER / case / "input.yaml")])
    programs = {
        level: Pipeline(inputs.snapshot, inputs.policies, level=level).program(NODE, checked)
        for level in PASSES
    }
    found = {f"{NODE}.O{level}.ir": print_program(made) for level, made in programs.items()}
    found[f"{NODE}.nft"] = Nftables().build(programs[DEFAULT_LEVEL], ()).texts["nft"]
    return found


@pytest.mark.parametrize("case", sorted(path.name for path in FOLDER.iterdir()))
def test_case(case: str) -> None:
    found = compiled(case)
    if os.environ.get("CNPC_REWRITE_GOLDEN") == "1":
        for name, text in found.items():
            (FOLDER / case / name).write_text(text)
    expected = {
        path.name: path.read_text()
        for path in (FOLDER / case).iterdir()
        if path.name != "input.yaml"
    }
    assert found == expected
