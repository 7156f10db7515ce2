"""The parts in which documents come."""

from __future__ import annotations

from msgspec import Struct


class DocumentPart(Struct, frozen=True):
    """A document, or an item of the list that a document is; its values are what JSON has.

    Items come one by one before their document, so that they need not all be kept; the document
    then comes without them.
    """

    document: int
    path: tuple[str | int, ...]
    value: object
    items_came: bool = False
