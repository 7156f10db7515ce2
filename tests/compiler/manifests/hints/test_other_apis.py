"""Every word of another API gets its hint: other_apis.txt has all of them, to be read as a whole.

``CNPC_REWRITE=1 pytest tests/compiler/manifests/hints`` writes it anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from cnpc.compiler.manifests.hints.other_apis import ADDRESSES, SENTENCES, UNKNOWN_FIELDS, WORDS

EXPECTED = Path(__file__).with_name("other_apis.txt")


def listed() -> Iterator[str]:
    tables = {"beside": UNKNOWN_FIELDS, "word of": WORDS, "sentence for": SENTENCES}
    for title, table in tables.items():
        for field, hints in table.items():
            yield f"{title} {field}"
            yield from _lines(hints)
    yield "addresses"
    yield from sorted(f"  {word}" for word in ADDRESSES)


def _lines(hints: Mapping[str, str]) -> list[str]:
    return sorted(f"  {word}: {hint}" for word, hint in hints.items())


def test_all_words_are_as_listed() -> None:
    found = "\n".join(listed()) + "\n"
    if os.environ.get("CNPC_REWRITE"):
        EXPECTED.write_text(found)
    assert found == EXPECTED.read_text()
