"""What nft says of a text that it refuses, with the line that it is about."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST = 1000
_PLACE = re.compile(r"^(?:/dev/stdin|/proc/self/fd/\d+):\d+:\d+(?:-\d+)?: ", re.MULTILINE)

_TOO_LONG = os.strerror(errno.EMSGSIZE)
_LARGER = "the kernel takes more at once with: sysctl -w net.core.wmem_max=67108864"


def refusal(words: str) -> str:
    """Return the words of nft, of which lines it quotes: their numbers are those of no file."""
    text = _PLACE.sub("", words).strip() or "nft refused without a word"
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return f"{text}; {_LARGER}" if _TOO_LONG in text else text


@contextmanager
def as_file(text: str) -> Iterator[str]:
    """Give the name of a file in memory that has the text, which can be opened more than once."""
    with os.fdopen(os.memfd_create("ruleset"), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"
