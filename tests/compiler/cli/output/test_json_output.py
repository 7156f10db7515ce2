"""--json of every command, and the schemas of docs/schema that describe it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import CLUSTER, STORIES, cnpc
from jsonschema import Draft202012Validator
from schemas import FOLDER, SCHEMAS, checked

DENY = STORIES / "1-deny"
LONELY = """\
apiVersion: v1
kind: Node
metadata: {name: n1}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a, namespace: gone}
spec: {podSelector: {}}
---
{apiVersion: v1, kind: Secret, metadata: {name: s}}
"""


def objects(schema: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - JSON
    """Give each part of a schema that describes a mapping with known keys."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for item in schema.values():
            yield from objects(item)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_leaves_nothing_open(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{name}.json"
    assert f"(schema/{name}.json)" in (FOLDER.parent / "json.md").read_text(encoding="utf-8")
    for item in objects(schema):
        assert item["additionalProperties"] is False
        assert item["required"] == list(item["properties"])
        assert all(part.get("description") for part in item["properties"].values())


def test_compile_tells_of_its_nodes(tmp_path: Path) -> None:
    done = cnpc("compile", CLUSTER, DENY, "-o", tmp_path, "--json")
    assert (done.code, done.err) == (0, "")
    found = checked(done.out)
    assert [item["node"] for item in found["compiled"]] == ["worker-1", "worker-2"]
    printed = cnpc("compile", CLUSTER, DENY, "-o", tmp_path, "--summary", "json").err
    assert json.loads(printed) == found


def test_compile_tells_its_warnings_and_what_it_passed_over(tmp_path: Path) -> None:
    (tmp_path / "in.yaml").write_text(LONELY)
    done = cnpc("compile", tmp_path / "in.yaml", "-o", tmp_path, "--json")
    found = checked(done.out)
    assert found["passed_over"] == {"v1/Secret": 1}
    [warning] = found["warnings"]
    assert warning["message"] in done.err


@pytest.mark.parametrize("arguments", [("compile", "-o", "out"), ("stats", "--node", "n1")])
def test_wrong_input_is_told_as_json_too(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    wrong = tmp_path / "in.yaml"
    wrong.write_text(LONELY.replace("podSelector", "podselector"))
    done = cnpc(*arguments, wrong, "--json")
    assert done.code == 2
    found = checked(done.out)
    assert found["command"] == arguments[0]
    [error] = found["errors"]
    assert error["message"] == "spec.podselector: unknown field"
    assert error["hint"] == "did you mean 'podSelector'?"
    assert (error["file"], error["line"], error["column"]) == (str(wrong), 8, 8)
    assert f"{wrong}:8:8: error: {error['message']}" in done.err


def test_what_the_system_refuses_is_told_as_json_too(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "worker-1.nft").mkdir()
    done = cnpc("compile", CLUSTER, DENY, "-o", tmp_path / "out", "--json")
    assert done.code == 3
    [error] = checked(done.out)["errors"]
    assert error["message"].startswith("cannot write ")
    assert error["file"] is None


def test_compile_has_one_standard_output() -> None:
    done = cnpc("compile", CLUSTER, DENY, "--node", "worker-1", "--json")
    assert (done.code, done.out) == (2, "")
    assert "--json needs -o DIR" in done.err


def test_stats_tells_sizes_and_warnings(tmp_path: Path) -> None:
    options = ("--node", "worker-1", "--json", "--compare", "-O0")
    found = checked(cnpc("stats", CLUSTER, DENY, *options).out)
    assert [item["level"] for item in found["levels"]] == [2, 0]
    assert found["warnings"] == []
    (tmp_path / "in.yaml").write_text(LONELY)
    found = checked(cnpc("stats", tmp_path / "in.yaml", "--node", "n1", "--json").out)
    assert [item["severity"] for item in found["warnings"]] == ["warning"]


def test_doctor_tells_its_findings(tmp_path: Path) -> None:
    done = cnpc("doctor", "--json", "--state-dir", tmp_path)
    levels = {item["level"] for item in checked(done.out)["findings"]}
    assert done.code == int("missing" in levels)
