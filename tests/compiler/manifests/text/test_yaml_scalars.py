"""Scalars and keys of YAML against a table of how kubectl reads them.

``kubectl_scalars.jsonl`` has what sigs.k8s.io/yaml 1.6.0 (YAMLToJSON, with go.yaml.in/yaml/v2
2.4.3) makes of each ``scalar``, as the value of a key, and of each ``document``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cnpc.compiler.errors import Source
from cnpc.compiler.manifests.problems import OnUnknown, Problems
from cnpc.compiler.manifests.text.yaml_documents import read_yaml
from cnpc.compiler.manifests.text.yaml_scalars import resolve

TABLE = Path(__file__).parents[3] / "kubectl_scalars.jsonl"
ENTRIES: list[dict[str, Any]] = [json.loads(line) for line in TABLE.read_text().splitlines()]
REFUSED = re.compile(
    r"the tag .* is not supported|the key .* is not a string|the key .* is in the mapping twice"
    r"|a key must be a string|'<<' has another value for .*|a byte order mark within a document"
    r"|not a number in JSON"
)
SOLIDUS = 'a: "\\/"\n'  # an escape of YAML 1.2 and JSON; libyaml takes it


def text_of(entry: dict[str, Any]) -> str:
    return f"v: {entry['scalar']}\n" if "scalar" in entry else entry["document"]


def read(text: str) -> tuple[list[Any], list[str]]:
    findings = Problems(OnUnknown.ERROR)
    found = [part.value for part in read_yaml(text.encode(), Source("t"), findings)]
    return found, [item.message for item in findings.diagnostics]


def agrees(found: object, wanted: object) -> bool:
    """Tell whether two values are the same in JSON, with a number's type where it is exact."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(agrees(found[k], wanted[k]) for k in found)
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(agrees, found, wanted))
    if isinstance(found, float) and isinstance(wanted, int):
        return abs(wanted) > 2**53 and found == float(wanted)
    return type(found) is type(wanted) and found == wanted


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: repr(text_of(entry))[:40])
def test_every_scalar_reads_as_kubectl_reads_it_or_is_an_error(entry: dict[str, Any]) -> None:
    text = text_of(entry)
    found, problems = read(text)
    if problems:
        assert "error" in entry or all(REFUSED.fullmatch(problem) for problem in problems)
        return
    if text == SOLIDUS:
        assert found == [{"a": "/"}]
        return
    assert "error" not in entry
    assert agrees(found[0], {"v": entry["json"]} if "scalar" in entry else entry["json"])


def test_the_table_is_large_and_most_of_it_is_read() -> None:
    scalars = [entry for entry in ENTRIES if "scalar" in entry]
    taken = [entry for entry in scalars if not read(text_of(entry))[1]]
    assert len(scalars) >= 500
    assert len(taken) >= 650


def test_an_exponent_that_overflows_leaves_text() -> None:
    """One of a hundred short hashes of git is of this form; kubectl prints it without quotes."""
    assert resolve("7e12345") == "7e12345"
    assert resolve("7e12") == 7_000_000_000_000


@pytest.mark.parametrize("separator", ["---\n", "---\r\n", "--- # the next\n"])
def test_a_later_document_may_begin_with_a_byte_order_mark(separator: str) -> None:
    found, problems = read(f"\ufeffa: 1\n{separator}\ufeffb: 2\n{separator}c: '\ufeff'\n")
    assert (found, problems) == ([{"a": 1}, {"b": 2}, {"c": "\ufeff"}], [])


def test_what_merging_would_change_again_is_an_error() -> None:
    """kubectl takes the last of both, YAML 1.1 the key of the mapping's own."""
    assert read("a: 1\n<<: {a: 1}\n") == ([{"a": 1}], [])
    assert read("a: 1\n<<: {a: 2}\n")[1] == ["'<<' has another value for 'a'"]
    assert read("<<: {a: 1}\n<<: {a: 2}\n")[1] == ["'<<' has another value for 'a'"]
