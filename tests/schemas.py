"""The schemas of docs/schema, and output that is checked against them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FOLDER = Path(__file__).parents[1] / "docs" / "schema"
SCHEMAS: dict[str, Any] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.json"))
}
_REGISTRY: Registry[Any] = Registry().with_resources(
    (f"{name}.json", Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)


def checked(printed: str) -> Any:  # noqa: ANN401 - JSON
    """Return the one object that a command printed, which must be as its schema says."""
    assert printed.count("\n") == 1
    assert printed.endswith("\n")
    found = json.loads(printed)
    name = "failure" if "errors" in found else found["command"]
    Draft202012Validator(SCHEMAS[name], registry=_REGISTRY).validate(found)
    return found
