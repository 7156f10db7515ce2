"""Wrong inputs, one fault each, with exactly the diagnostics beside them.

To accept what is printed now: ``CNPC_REWRITE=1 pytest tests/end_to_end/test_bad.py``,
then read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cnpc.compiler.errors import InputError
from cnpc.compiler.manifests.load import load
from cnpc.compiler.manifests.text.render_problems import render

BAD = Path(__file__).parents[1] / "bad"
CASES = sorted(path.name for path in BAD.iterdir() if path.suffix != ".txt")


@pytest.mark.parametrize("name", CASES)
def test_the_diagnostics_are_exactly_those_beside_the_input(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(InputError) as caught:
        load([name])
    printed = render(caught.value.diagnostics)
    expected = BAD / f"{name}.txt"
    if os.environ.get("CNPC_REWRITE"):
        expected.write_text(printed)
    assert printed == expected.read_text()


def test_every_expectation_has_its_input() -> None:
    expected = {path.name.removesuffix(".txt") for path in BAD.glob("*.txt")}
    assert expected == set(CASES)


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60
