"""What a backend says of a program that its packet filter cannot express."""

from __future__ import annotations

from collections.abc import Iterable

from ..compiler.errors import InputError, error
from ..compiler.ir import Origin
from .text import describe_origins


def unsupported(backend: str, what: str, origins: Iterable[Origin] = ()) -> InputError:
    """Return the error that names the policy rule; a weaker rule is never the answer."""
    listed = tuple(origins)
    where = f"{describe_origins(listed)}: " if listed else ""
    return InputError([error(f"{where}{backend} cannot express {what}")])
