"""YAML and JSON text to plain values."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
import yaml
from cnpc.compiler.errors import Source
from cnpc.compiler.manifests.problems import OnUnknown, Problems, path_text, quote
from cnpc.compiler.manifests.text.documents import EmptyFile, read_manifests
from cnpc.compiler.manifests.text.yaml_documents import read_yaml
from hypothesis import given
from hypothesis import strategies as st

WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


def values(text: str | bytes) -> tuple[list[Any], list[str]]:
    data = text.encode() if isinstance(text, str) else text
    findings = Problems(OnUnknown.ERROR)
    found = [part.value for part in read_yaml(data, Source("t"), findings)]
    return found, [f"{item.span}: {item.message}" for item in findings.diagnostics]


@given(JSON)
def test_json_and_block_yaml_read_as_what_was_written(value: object) -> None:
    wrapped = {"kind": value}
    quoted = yaml.safe_dump(wrapped, default_style='"', allow_unicode=True)
    assert values(json.dumps(wrapped, ensure_ascii=False)) == ([wrapped], [])
    if "!!" not in quoted:
        assert values(quoted) == ([wrapped], [])


def test_items_come_before_their_document() -> None:
    text = "kind: List\nitems:\n- a: 1\n- b\nmetadata: {}\n---\nx: 1\n"
    findings = Problems(OnUnknown.ERROR)
    parts = list(read_yaml(text.encode(), Source("t"), findings))
    assert [(part.document, part.path, part.value, part.items_came) for part in parts] == [
        (0, ("items", 0), {"a": 1}, False),
        (0, ("items", 1), "b", False),
        (0, (), {"kind": "List", "items": None, "metadata": {}}, True),
        (1, (), {"x": 1}, False),
    ]


def test_aliases_share_what_they_name() -> None:
    found, problems = values("a: &x {k: [1, 2]}\nb: *x\nc: &y text\nd: *y\n")
    assert problems == []
    assert found[0] == {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}, "c": "text", "d": "text"}
    assert found[0]["a"] is found[0]["b"]


def test_merge_keys_fill_what_a_mapping_leaves_out() -> None:
    text = "a: &a {x: 1, w: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], w: 3}\nd: {'<<': 1}\n"
    found, problems = values(text)
    assert problems == []
    assert found[0]["c"] == {"x": 1, "w": 3, "z": 2}
    assert found[0]["d"] == {"<<": 1}


def test_an_anchor_of_an_earlier_document_is_unknown() -> None:
    assert values("a: &x 1\n---\nb: *x\n")[1] == ["t:3:4: the alias '*x' names no anchor before it"]


def test_tags() -> None:
    found, problems = values("a: !!str 1\nb: !!int '2'\nc: !!null ''\ne: !!map {}\n")
    assert problems == []
    assert found == [{"a": "1", "b": 2, "c": None, "e": {}}]


def test_what_was_read_before_an_error_counts() -> None:
    found, problems = values("a: 1\n---\nb: 2\n---\nc: [\n")
    assert found == [{"a": 1}, {"b": 2}]
    assert len(problems) == 1


def test_an_alias_bomb_is_refused_before_it_costs_anything() -> None:
    text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 50)
    )
    assert "unfold" in values(text)[1][0]  # without the limit it would not end


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x00\x01", b"\x80", b"a: \x1b[31m"])
def test_what_is_not_text_is_reported(data: bytes) -> None:
    found, problems = values(data)
    assert (found, len(problems)) == ([], 1)


def read_through(data: bytes, name: str) -> list[str]:
    """Return the messages, and nothing but those and that there is nothing in the file."""
    findings = Problems(OnUnknown.ERROR)
    with suppress(EmptyFile):
        for manifest in read_manifests(data, Source(name), findings):
            manifest.plain(findings)
    return [item.message for item in findings.diagnostics]


@given(st.binary(max_size=60))
def test_nothing_that_is_read_raises(data: bytes) -> None:
    read_through(data, "t.yaml")
    read_through(data, "t.json")


@given(st.text(alphabet='{}[]",:0 a\n-&*!|', max_size=40))
def test_nothing_that_looks_like_yaml_or_json_raises(text: str) -> None:
    read_through(text.encode(), "t.yaml")
    read_through(text.encode(), "t.json")


def test_a_later_document_of_json_may_begin_with_a_byte_order_mark() -> None:
    text = '\ufeff{"apiVersion": "v1", "kind": "A"}\n\ufeff{"apiVersion": "v1", "kind": "B"}'
    found = read_manifests(text.encode(), Source("t.json"), Problems(OnUnknown.ERROR))
    assert [manifest.type_name.kind for manifest in found] == ["A", "B"]


@pytest.mark.parametrize("name", ["a", "\u00e4"])  # which JSON is not read the short way
@pytest.mark.parametrize("lead", ["", "---\n"])
def test_an_item_of_a_list_of_anything_says_what_it_is(lead: str, name: str) -> None:
    items = [{"kind": "Pod", "metadata": {"name": name}}]
    text = lead + json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    assert read_through(text.encode(), "t") == ["the field 'apiVersion' is required"]
    text = lead + json.dumps({"apiVersion": "v1", "kind": "PodList", "items": items})
    assert read_through(text.encode(), "t") == []


def test_deep_json_is_refused() -> None:
    text = '{"apiVersion": "v1", "kind": ' + "[" * 100_000 + "]" * 100_000 + "}"
    assert read_through(text.encode(), "t.json") == ["nested too deeply"]


def test_paths_are_written_within_their_object() -> None:
    assert path_text(("items", 3, "spec", "ingress", 0, "from")) == "spec.ingress[0].from"
    assert path_text(("metadata", "labels", "a.b/c")) == "metadata.labels['a.b/c']"
    assert path_text(()) == ""


def test_long_texts_are_cut_in_messages() -> None:
    assert quote("x" * 1000) == "'" + "x" * 60 + "…'"
