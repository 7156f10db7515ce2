"""What every object says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Place
from .findings import quote
from .tree import Field

MAX_GENERATION = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Metadata:
    """Name, namespace and generation of an object.

    ``field`` is its name's, ``namespace_field`` its namespace's, if it says one; ``place`` its own.
    """

    name: str
    namespace: str
    generation: int
    field: Field
    namespace_field: Field | None
    place: Place

    def report_name(self, form: str) -> None:
        """Report a name that is not of the form."""
        self.field.error(
            f"{quote(self.name)} is not {form}",
            "lower-case letters, digits and '-', a letter or digit at both ends",
        )


def decode_metadata(document: Field) -> Metadata | None:
    """Return an object's metadata; unknown fields in it are none of our business."""
    entries = document.mapping() or {}
    metadata = entries.get("metadata")
    if metadata is None:
        document.error("the field 'metadata' is required")
        return None
    fields = metadata.mapping()
    if fields is None:
        return None
    name_field = fields.get("name")
    if name_field is None:
        metadata.error("the field 'name' is required")
        return None
    name = name_field.string()
    namespace = fields["namespace"].string() if "namespace" in fields else "default"
    generation = fields["generation"].integer(0, MAX_GENERATION) if "generation" in fields else 0
    if name is None or namespace is None or generation is None:
        return None
    return Metadata(
        name,
        namespace or "default",
        generation,
        name_field,
        fields.get("namespace"),
        document.place,
    )
