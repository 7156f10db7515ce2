"""A search path on which ``iptables`` is of one flavour, as update-alternatives(1) sets it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

FLAVOURS = ("nft", "legacy")
_NAMES = tuple(
    f"{name}{end}" for name in ("iptables", "ip6tables") for end in ("", "-save", "-restore")
)


def search_path(folder: Path, flavour: str) -> str:
    """Return a PATH with links to the flavour in front; LookupError if it is not installed."""
    program = shutil.which(f"xtables-{flavour}-multi")
    if program is None:
        raise LookupError(f"needs xtables-{flavour}-multi (package iptables)")
    links = folder / f"iptables-{flavour}"
    links.mkdir(exist_ok=True)
    for name in _NAMES:  # the program looks at the name by which it is called
        (links / name).unlink(missing_ok=True)
        (links / name).symlink_to(program)
    return f"{links}:{os.environ['PATH']}"
