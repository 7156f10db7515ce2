"""Each pass from text to text; cases/NAME.txt holds the cases of the pass NAME.

A case is a line ``=== what it shows``, the program before, a line ``--- after``, and the program
after. Both are IR text as the printer prints it.
"""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest
from cnpc.backends.iptables.passes import PASSES_WITHOUT_MAPS
from cnpc.compiler.ir.parser import parse_program
from cnpc.compiler.ir.printer import print_program
from cnpc.compiler.ir.verifier import verify
from cnpc.compiler.options import LEVELS
from cnpc.compiler.passes import PASSES, Pass, cost_model

FOLDER = Path(__file__).parent / "cases"
ALL = {
    run.__name__: run
    for passes in (PASSES, PASSES_WITHOUT_MAPS)
    for level in passes.values()
    for run in level
}


@dataclass(frozen=True, slots=True)
class Case:
    """One pair of programs as text."""

    run: str
    title: str
    before: str
    after: str


def cases() -> list[Case]:
    """Return the cases of all files."""
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        for text in path.read_text().split("=== ")[1:]:
            title, _, rest = text.partition("\n")
            before, mark, after = rest.partition("--- after\n")
            assert mark, (path, title)
            found.append(Case(path.stem, title, before, after.rstrip("\n") + "\n"))
    return found


CASES = cases()


def test_every_pass_has_cases_and_every_case_a_pass() -> None:
    assert {case.run for case in CASES} == set(ALL)


@pytest.fixture(autouse=True)
def _sixteen_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_model, "_LARGE_SET", 16)


@pytest.fixture
def _ports_cost_much(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have cases of maps of peers that are not larger than they need to be."""
    if case.run == "dispatch":
        monkeypatch.setattr(cost_model, "_BY_PORT", 10_000)


@pytest.mark.usefixtures("_ports_cost_much")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.run}: {case.title}")
def test_case(case: Case) -> None:
    before = parse_program(case.before, case.title)
    assert print_program(before) == case.before
    assert verify(before) == ()
    after = ALL[case.run](before)
    assert print_program(after) == case.after
    assert verify(after) == ()


@pytest.mark.parametrize("run", ALL.values(), ids=ALL)
def test_the_docstring_shows_a_case(run: Pass) -> None:
    module = inspect.getmodule(run)
    assert module is not None
    text = inspect.getdoc(module) or ""
    before, mark, after = text.partition("Before:\n\n")[2].partition("\n\nAfter:\n\n")
    assert mark
    shown = tuple(textwrap.dedent(part).strip("\n") + "\n" for part in (before, after))
    assert shown in [(case.before, case.after) for case in CASES if case.run == run.__name__]


def test_levels_only_add_passes() -> None:
    assert PASSES[0] == ()
    assert tuple(PASSES) == tuple(PASSES_WITHOUT_MAPS) == LEVELS == tuple(range(len(LEVELS)))
    for level in range(max(PASSES)):
        assert set(PASSES[level]) <= set(PASSES[level + 1])
