"""Plain values as people write them in YAML on one line, for hints."""

from __future__ import annotations

MOST = 90
"""Characters, above which a value is cut."""


def flow(value: object) -> str:
    """Return a value as people write it in YAML on one line, cut if long."""
    text = _flow(value)
    return text if len(text) <= MOST else f"{text[:MOST]}…"


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if value is None:
        return '""'
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return str(value)
