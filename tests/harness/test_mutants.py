"""The changes of the mutation run: small, each at its place, and none to what has no effect."""

from __future__ import annotations

import ast

import pytest
from mutants.changes import changes
from mutants.run import LEFT_OUT, ROOT, mutants, stages


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a < b", ["(a <= b)"]),
        ("a in b", ["(a not in b)"]),
        ("a and b", ["(a or b)", "(a)"]),
        ("f(not a)", ["f((a))"]),
        ("a | 1", ["(a & 1)", "a | (2)"]),
        ("f(True)", ["f((False))"]),
        ("Terminal.DROP", ["(Terminal.RETURN)"]),
        ("Jump(a)", ["(Goto)(a)"]),
        ("(a, b, c)", ["((a, b))"]),
        ("a if b else c", ["(c if b else a)"]),
        ("f('é', a < b)", ["f('é', (a <= b))"]),
        ("zip(a, b, strict=True)", []),
        ("class C(Struct, gc=False): ...", []),
        ("isinstance(a, Jump | Goto)", []),
        ("def f(a: int | None = None) -> A | B:\n    raise E(1 + 2)", []),
    ],
)
def test_a_change_is_made_at_its_place(before: str, after: list[str]) -> None:
    assert sorted(each.applied(before) for each in changes(before)) == sorted(after)


def test_mutants_are_of_the_product_and_stay_python() -> None:
    chosen = mutants(40, seed=1)
    assert chosen == mutants(40, seed=1)
    for mutant in chosen:
        assert not mutant.module.startswith(LEFT_OUT[:3])
        source = (ROOT / mutant.module).read_text()
        assert ast.dump(ast.parse(mutant.change.applied(source))) != ast.dump(ast.parse(source))
        assert all((ROOT / test).exists() for tests in stages(mutant.module) for test in tests)
