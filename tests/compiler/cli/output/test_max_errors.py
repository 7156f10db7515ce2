"""--max-errors, and the line that a failure ends with."""

from __future__ import annotations

from pathlib import Path

import pytest
from cnpc.compiler.cli.output.max_errors import limited
from cnpc.compiler.errors import Diagnostic, error, warning
from command import CLUSTER, STORIES, cnpc
from schemas import checked

DENY = STORIES / "1-deny"


def numbered(number: int) -> list[Diagnostic]:
    return [error(f"spec.ingress[{index}]: the field 'a{index}' is odd") for index in range(number)]


def test_what_differs_in_place_name_and_number_is_of_one_kind() -> None:
    others = [warning("spec: the field 'b' is odd"), error("pods a/b and c/d have 10.0.0.1")]
    shown, more = limited([*numbered(23), *others], 20)
    assert shown == [*numbered(20), *others]
    assert more == "and 3 more: error: the field … is odd (--max-errors 0 shows all)\n"
    assert limited(numbered(50), 0) == (numbered(50), "")


@pytest.mark.parametrize("command", ["compile", "stats"])
def test_all_are_counted_in_the_last_line(tmp_path: Path, command: str) -> None:
    rules = ", ".join(f"{{odd{index}: 1}}" for index in range(25))
    (tmp_path / "in.yaml").write_text(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\n"
        f"spec: {{podSelector: {{}}, ingress: [{rules}]}}\n"
    )
    asked = (command, tmp_path, "--node", "worker-1")
    lines = cnpc(*asked).err.splitlines()
    assert sum(": error: " in line for line in lines) == 20 + 1  # and "5 more: error:"
    assert lines[-2:] == [
        "and 5 more: error: unknown field (--max-errors 0 shows all)",
        "25 errors, nothing written",
    ]
    lines = cnpc(*asked, "--max-errors", "0").err.splitlines()
    assert sum(": error: " in line for line in lines) == 25
    assert lines[-1] == "25 errors, nothing written"


def test_warnings_are_limited_and_json_has_them_all(tmp_path: Path) -> None:
    policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
    policy += "metadata: {{name: a, namespace: gone-{}}}\nspec: {{podSelector: {{}}}}\n"
    (tmp_path / "in.yaml").write_text("---\n".join(policy.format(index) for index in range(9)))
    done = cnpc(
        "compile", CLUSTER, tmp_path / "in.yaml", "-o", tmp_path, "--json", "--max-errors", "4"
    )
    assert done.code == 0
    assert done.err.count(": warning: ") == 5
    assert len(checked(done.out)["warnings"]) == 9


def test_a_single_error_has_its_last_line_too() -> None:
    done = cnpc("compile", CLUSTER, DENY, "--node", "worker-9")
    assert done.err.splitlines()[-1] == "1 error, nothing written"
