"""The line of a ruleset's header by which a file that was edited by hand is recognized."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

_DIGEST_BYTES = 16
NO_DIGEST = f"Digest: {'0' * (2 * _DIGEST_BYTES)}"
"""The line as the header has it until all texts are made."""

_LINE = re.compile(rf"^# Digest: ([0-9a-f]{{{2 * _DIGEST_BYTES}}})$", re.MULTILINE)


def with_digest(texts: Mapping[str, str]) -> Mapping[str, str]:
    """Return the texts of a ruleset, by suffix, each with the digest of all of them.

    Texts without the line stay as they are.
    """
    wanted = _digest(texts)
    return {suffix: _replaced(text, wanted) for suffix, text in texts.items()}


def edited(texts: Mapping[str, str]) -> bool:
    """Return whether a text has another digest than that of all; False where none has any."""
    wanted = _digest(texts)
    found = (text[slice(*_place(text))] for text in texts.values())
    return any(digest not in {"", wanted} for digest in found)


def _digest(texts: Mapping[str, str]) -> str:
    """Return the digest of all texts but for the digests in them."""
    whole = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for _, text in sorted(texts.items()):
        start, end = _place(text)
        whole.update(text[:start].encode())
        whole.update(text[end:].encode())
    return whole.hexdigest()


def _replaced(text: str, digest: str) -> str:
    start, end = _place(text)
    return f"{text[:start]}{digest}{text[end:]}" if end else text


def _place(text: str) -> tuple[int, int]:
    """Return between which characters the digest is; (0, 0) where there is none."""
    found = _LINE.search(text, 0, text.find("\n\n"))
    return found.span(1) if found else (0, 0)
