"""YAML in kubectl's layout to JSON, and what is left to libyaml."""

from __future__ import annotations

import pytest
from cnpc.compiler.manifests.text import kubectl_yaml
from cnpc.compiler.manifests.text.kubectl_yaml import KubectlYaml, UnknownLayout


@pytest.mark.parametrize(
    ("text", "json"),
    [
        ("", "null"),
        ("# nothing\n", "null"),
        ("a:\n", '{"a":null}'),
        ("a: 010\nb: 1.0\nc: 1e3\nd: 1.5\n", '{"a":8,"b":1,"c":1000,"d":1.5}'),
        ("a: yes\n'y': ~\n", '{"a":true,"y":null}'),
        ("a: --x=y # a comment\nb: c#d:e\n", '{"a":"--x=y","b":"c#d:e"}'),
        ("a:\n- b\n- c: d\n  e: f\ng: {}\n", '{"a":["b",{"c":"d","e":"f"}],"g":{}}'),
        ("a:\n  - b\nc:\n", '{"a":["b"],"c":null}'),
        ("a:\n  b:\n    c: []\nd:\n  e: f\n", '{"a":{"b":{"c":[]}},"d":{"e":"f"}}'),
        ("- a:\n  - b\n- c\n", '[{"a":["b"]},"c"]'),
        ("a: 'it''s'\nb: \"\\t\\\"\\\\\"\n", r'{"a":"it' + r"'" + r's","b":"\t\"\\"}'),
        ("f:a:\n  k:{\"b\":1}: '- '\n", '{"f:a":{"k:{\\"b\\":1}":"- "}}'),
        ("a: |\n  b\n\n    c\n\nd: |-\n e: f\n", '{"a":"b\\n\\n  c\\n","d":"e: f"}'),
        ("a:\n- |\n  b\n- c: |\n    d\n", '{"a":["b\\n",{"c":"d\\n"}]}'),
    ],
)
def test_a_text_becomes_json(text: str, json: str) -> None:
    assert KubectlYaml().read(text.encode()) == json.encode()


@pytest.mark.parametrize(
    "text",
    [
        *("a: b: c\n", "a: b:\n", "a: [b]\n", "a: {b: c}\n", "a: &b c\n", "a: *b\n", "a: !c d\n"),
        *("a: >\n b\n", "a: |2\n   b\n", "a: |\n\n  b\n", "a: b\n  c\n", "a: 'b\n  c'\n", "? a\n"),
        *("a: 1\na: 2\n", "1: a\n", "<<: a\n", "y: a\n", "a: .inf\n", "a: \tb\n", "a: ä\n"),
        *("a:\n - b\n- c\n", "a:\n    b: c\n  d: e\n", "- a\nb: c\n", "a\n", '"a: b\n'),
        *("- - a\n", "a: b\n   \n", 'a: "\\u0041"\n', f"{'k' * 300}: a\n", "- c: |\n  d\n"),
        "".join(f"{' ' * level}a:\n" for level in range(60)),
    ],
)
def test_what_it_does_not_know_is_for_libyaml(text: str) -> None:
    with pytest.raises(UnknownLayout):
        KubectlYaml().read(text.encode())


def test_what_it_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubectl_yaml, "_MOST_LINES", 10)
    reader = KubectlYaml()
    for number in range(50):
        expected = b'{"name":"a","number":%d}' % number
        assert reader.read(b"name: a\nnumber: %d\n" % number) == expected
        assert reader.known_lines <= 13
