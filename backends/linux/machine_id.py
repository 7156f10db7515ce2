"""Which machine this is, so that a copied folder is not taken for its own."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

_ID = Path("/etc/machine-id")


def machine() -> str:
    """Return a digest of machine-id(5), which should not be spread itself; "" without one."""
    try:
        text = _ID.read_bytes().strip()
    except OSError:
        return ""
    return hashlib.blake2b(text, digest_size=8, person=b"cnpc").hexdigest() if text else ""


def is_called(node: str) -> bool:
    """Tell whether this machine has the name of a node, with its domain or without."""
    name = socket.gethostname()
    return node.partition(".")[0] == name.partition(".")[0]
