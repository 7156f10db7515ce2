"""Whoever reads a document of YAML, the rewriter of kubectl's layout or libyaml, finds the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest
from cnpc.compiler.errors import Diagnostic, Source
from cnpc.compiler.manifests.problems import OnUnknown, Problems
from cnpc.compiler.manifests.text import yaml_documents
from cnpc.compiler.manifests.text.lines import without_marks
from cnpc.compiler.manifests.text.parts import DocumentPart
from cnpc.compiler.manifests.text.yaml_documents import read_yaml
from cnpc.compiler.manifests.text.yaml_text import read_events
from imported import imported
from msgspec import structs

ROOT = Path(__file__).parents[4]
DUMP = b"""apiVersion: v1
items:
- apiVersion: v1
  kind: Pod
  metadata:
    annotations:
      last: |
        {"x":1}

        y # no comment
      note: |-
        text: here
        - x
    labels: {}
    name: "x"
  spec:
    args:
    - --foo=bar
    - 'it''s: x'
    - |
      several
        lines
    number: 0x10
- apiVersion: v1
  kind: Node
  f:x: {}
  ports:
  - containerPort: 80
    name: http

  status: null
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  spec:
    ingress:
    - from:
      - ipBlock:
          cidr: 10.0.0.0/8
      ports:
      - endPort: 90
        port: 80
    policyTypes:
    - Ingress
kind: List
metadata:
  resourceVersion: ""
---
# Another one.
apiVersion: v1
kind: X
a:
- b:
  - c
  d:
    e: 1.5
"""
TOKENS = (
    *b"\n :-#'\"|>{}[]?%\t\\~@`=,\x00".decode(),
    *("  ", "   ", ": ", "- ", " #", "|-\n", "|\n", "&a ", "*a", "!!str ", "? ", "---\n"),
    *("\n---\n", "...\n", "\r\n", "\\n", "null", "0x1f", "1e3", "y", "<<: ", "items:\n", "ä"),
    *("\ufeff", "a: b\n", "- a\n", "\n\n", "\u2028", "# c\n", "a:\n", "  - x\n", "|\n  x\n y"),
    *(".inf", "1_0"),
)
MUTANTS = 4_000


def corpus() -> list[bytes]:
    """Return texts that people wrote, right and wrong, and as many times what kubectl prints."""
    folders = (ROOT / "tests" / "bad", ROOT / "tests" / "semantics", ROOT / "examples")
    paths = sorted(path for folder in folders for path in folder.rglob("*.yaml"))
    texts = [path.read_bytes() for path in paths if path.is_file()]
    small = [text for text in texts if len(text) < 6_000]
    assert len(small) > 100
    return small + [DUMP] * (len(small) // 2)


def mutate(random: Random, text: bytes) -> bytes:
    """Return the text with a few characters or lines added, removed, repeated or moved."""
    for _ in range(random.choice((1, 1, 2, 4))):
        position = random.randrange(len(text) + 1)
        lines = text.split(b"\n")
        number = random.randrange(len(lines))
        match random.randrange(6):
            case 0 | 1:
                end = position + random.choice((0, 1))
                text = text[:position] + random.choice(TOKENS).encode() + text[end:]
            case 2:
                text = text[:position] + text[position + random.choice((1, 2, 10)) :]
            case 3:
                lines.insert(random.randrange(len(lines)), lines[number])
                text = b"\n".join(lines)
            case 4:
                del lines[number]
                text = b"\n".join(lines)
            case _:
                lead = random.choice((b" ", b"  ", b"- ", b""))
                lines[number] = lead + lines[number] if lead else lines[number][1:]
                text = b"\n".join(lines)
    return text


def plain(parts: Iterator[DocumentPart]) -> list[str]:
    """Return the parts as text, which tells 1 from 1.0 and True."""
    found = []
    for part in parts:
        raw = part.value
        value = msgspec.json.decode(raw) if isinstance(raw, msgspec.Raw) else raw
        found.append(repr(structs.replace(part, value=value)))
    return found


def read(text: bytes) -> tuple[list[str], list[Diagnostic]]:
    problems = Problems(OnUnknown.ERROR)
    return plain(read_yaml(text, Source("t"), problems)), problems.diagnostics


def read_slowly(text: bytes) -> tuple[list[str], list[Diagnostic]]:
    problems = Problems(OnUnknown.ERROR)
    return plain(read_events(without_marks(text), Source("t"), problems)), problems.diagnostics


def assert_same(text: bytes) -> None:
    found, diagnostics = read(text)
    if any(item.message == "a byte order mark within a document" for item in diagnostics):
        return
    expected, messages = read_slowly(text)
    if any(item.message.startswith("not text") for item in messages):
        found = found[: len(expected)]  # libyaml looks at characters long before it comes to them
    assert (found, diagnostics) == (expected, messages), text


def test_a_mutant_is_read_alike_by_both() -> None:
    texts, random = corpus(), Random(0)  # noqa: S311 - reproducible
    for text in texts:
        assert_same(text)
    for _ in range(MUTANTS):
        assert_same(mutate(random, random.choice(texts)))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return what libyaml is asked to read from here on."""
    texts: list[bytes] = []

    def listen(data: bytes, source: Source, problems: Problems) -> Iterator[DocumentPart]:
        texts.append(data)
        return read_events(data, source, problems)

    monkeypatch.setattr(yaml_documents, "_libyaml", listen)
    return texts


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_what_kubectl_prints_needs_no_libyaml(asked: list[bytes], end: bytes) -> None:
    found = read(DUMP.replace(b"\n", end))
    assert asked == []
    assert found == read_slowly(DUMP)


def test_libyaml_reads_the_one_item_that_has_another_layout(asked: list[bytes]) -> None:
    text = DUMP.replace(b"labels: {}", b"labels: {app: x}")
    assert read(text) == read_slowly(text)
    [item] = asked
    assert item.startswith(b"items:\n- apiVersion: v1\n  kind: Pod\n")
    assert item.endswith(b"number: 0x10\n")


def test_items_may_be_indented(asked: list[bytes]) -> None:
    text = b"kind: List\nitems:\n  - a: 1\n    b:\n      - c\n  - d: e\n"
    assert read(text) == read_slowly(text)
    assert asked == []


@pytest.mark.parametrize(
    "text",
    [
        DUMP.replace(b"name: http", b"name: [http"),
        DUMP.replace(b"status: null", b"ports: null"),
        DUMP.replace(b"labels: {}", b"labels: &a {b: c}").replace(b"null", b"*a"),
        DUMP.replace(b"\nkind: List", b"\nother:\n- x\nkind: List"),
        DUMP.replace(b"\n- apiVersion: v1\n  kind: N", b"\n...\n- apiVersion: v1\n  kind: N"),
        DUMP.rstrip(b"\n"),
    ],
)
def test_libyaml_reads_the_whole_file_where_one_item_says_too_little(
    asked: list[bytes], text: bytes
) -> None:
    assert read(text) == read_slowly(text)
    assert asked[-1] == text


def test_a_compilation_of_what_kubectl_prints_imports_no_pyyaml(tmp_path: Path) -> None:
    stories = ROOT / "examples" / "stories" / "cluster.yaml"
    found = imported("compile", "-q", "-o", *map(str, (tmp_path, stories)))
    assert "yaml" not in found.dear
