"""Object metadata and label selectors, checked as Kubernetes checks them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from ..errors import Place
from ..model.policy import (
    LabelSelector,
    NamespaceSelection,
    NotSameLabels,
    Operator,
    Requirement,
    SameLabels,
)
from .cursor import Cursor, ObjectCursor
from .hints.values import for_label_key
from .problems import quote

_OPERATORS = {item.value: item for item in Operator}
_NAME = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)\Z")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\Z")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?\Z")
_MAX_NAME = 63
_MAX_SUBDOMAIN = 253
_SELECTOR = ("matchLabels", "matchExpressions")
_ELSEWHERE = dict.fromkeys(
    ("sameLabels", "notSameLabels"), "only the namespaces of a peer can be selected so"
)


def is_subdomain(text: str) -> bool:
    """Tell whether the text is a DNS-1123 subdomain, as most objects' names must be."""
    return len(text) <= _MAX_SUBDOMAIN and _SUBDOMAIN.match(text) is not None


def is_dns_label(text: str) -> bool:
    """Tell whether the text is a DNS-1123 label, as a namespace's name must be."""
    return len(text) <= _MAX_NAME and _DNS_LABEL.match(text) is not None


def is_label_key(text: str) -> bool:
    """Tell whether the text is a qualified name: an optional prefix, ``/``, a name."""
    prefix, slash, name = text.rpartition("/")
    return (not slash or is_subdomain(prefix)) and 0 < len(name) <= _MAX_NAME and _is_name(name)


def is_label_value(text: str) -> bool:
    """Tell whether the text can be the value of a label; the empty one can."""
    return not text or (len(text) <= _MAX_NAME and _is_name(text))


def _is_name(text: str) -> bool:
    return _NAME.match(text) is not None


def decode_selector(field: Cursor) -> LabelSelector | None:
    """Return a metav1.LabelSelector; the empty one selects everything."""
    fields = field.fields(*_SELECTOR, hints=_ELSEWHERE)
    return None if fields is None else _selector(fields)


def decode_namespace_selection(field: Cursor) -> NamespaceSelection | None:
    """Return a peer's namespace selector, which may also compare labels with the subject's."""
    fields = field.fields(*_SELECTOR, "sameLabels", "notSameLabels")
    if fields is None:
        return None
    same, different = fields.get("sameLabels"), fields.get("notSameLabels")
    if same is None and different is None:
        return _selector(fields)
    fields.only(("sameLabels", "notSameLabels", *_SELECTOR))
    if same is not None:
        return SameLabels(_keys(same))
    return None if different is None else NotSameLabels(_keys(different))


def _keys(field: Cursor) -> tuple[str, ...]:
    return tuple(sorted({key for item in field.items(0) if (key := _key(item)) is not None}))


def _selector(fields: ObjectCursor) -> LabelSelector:
    found = {*_match_labels(fields), *_match_expressions(fields)}
    order = sorted(found, key=lambda item: (item.key, item.operator.value, item.values))
    return LabelSelector(tuple(order))


def _match_labels(fields: ObjectCursor) -> Iterator[Requirement]:
    labels = fields.get("matchLabels")
    if labels is None:
        return
    for key, field in labels.strings().items():
        good_key = is_label_key(key)
        if not good_key:
            at_key = replace(field, place=labels.place.key(key))
            at_key.condition(*_bad_key(key))
        value = _value(field)
        if good_key and value is not None:
            yield Requirement(key, Operator.IN, (value,))


def _match_expressions(fields: ObjectCursor) -> Iterator[Requirement]:
    for field in fields.items("matchExpressions"):
        requirement = _requirement(field)
        if requirement is not None:
            yield requirement


def _requirement(field: Cursor) -> Requirement | None:
    before = field.problems.unknowns
    fields = field.fields("key", "operator", "values")
    if fields is None:
        return None
    key_field, operator_field = fields.require("key"), fields.require("operator")
    key = None if key_field is None else _key(key_field)
    operator = (
        None
        if operator_field is None
        else operator_field.choice(_OPERATORS, report=Cursor.condition)
    )
    values_field = fields.get("values")
    values = () if values_field is None else _values(values_field)
    if key is None or operator is None:
        return None
    has_values = operator in (Operator.IN, Operator.NOT_IN)
    if has_values and not values:
        field.condition(f"the operator {operator.value} needs 'values'")
    if values_field is not None and values and not has_values:
        values_field.condition(f"must not be set with the operator {operator.value}")
    return Requirement(key, operator, values) if field.problems.unknowns == before else None


def _values(field: Cursor) -> tuple[str, ...]:
    return tuple(sorted({value for item in field.items(0) if (value := _value(item)) is not None}))


def _key(field: Cursor) -> str | None:
    key = field.string()
    if key is not None and not is_label_key(key):
        field.condition(*_bad_key(key))
        return None
    return key


def _bad_key(key: str) -> tuple[str, str]:
    return f"{quote(key)} is not a label key", for_label_key(key)


def _value(field: Cursor) -> str | None:
    if field.value is None:
        field.warning("null is read as ''", "the API reads it so")
    value = field.string()
    if value is not None and not is_label_value(value):
        field.undecided(  # the API server leaves those alone that it took before it checked them
            f"{quote(value)} is not a label value",
            "at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends",
        )
        return None
    return value


MAX_GENERATION = 2**63 - 1


class Metadata(Struct, frozen=True):
    """Name, namespace and generation of an object.

    ``field`` is its name's, ``namespace_field`` its namespace's, if it says one; ``place`` its own.
    """

    name: str
    namespace: str
    generation: int
    field: Cursor
    namespace_field: Cursor | None
    place: Place

    def report_name(self, form: str) -> None:
        """Report a name that is not of the form."""
        self.field.error(
            f"{quote(self.name)} is not {form}",
            "lower-case letters, digits and '-', a letter or digit at both ends",
        )


def decode_metadata(document: Cursor) -> Metadata | None:
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
