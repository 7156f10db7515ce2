"""Subjects and peers of all policy kinds."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from ...model.policy import (
    Direction,
    DomainNamesPeer,
    LabelSelector,
    NamespaceSelection,
    NetworksPeer,
    NodesPeer,
    OneNamespace,
    Peer,
    PodsPeer,
)
from ...net import Prefix, is_lax_prefix, parse_prefix
from ..cursor import Cursor, ObjectCursor
from ..hints.values import for_cidr, for_domain_name
from ..labels import decode_namespace_selection, decode_selector
from ..problems import one_of, quote

MAX_LIST = 25
PEERS_FIELD = {Direction.INGRESS: "from", Direction.EGRESS: "to"}
"""What a rule of each direction calls its peers, in every API."""

_MAX_CIDR = 43
_DOMAIN = re.compile(
    r"(?:\*\.)?(?:[a-zA-Z0-9](?:[-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+"
    r"[a-zA-Z0-9](?:[-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?\Z"
)
# Versions before v1beta1 have `A-z` where a label begins, which takes these too.
_SLIP = re.compile(r"(?<![-a-zA-Z0-9_])[\[\\\]^_`]")
_CLOSED = "an empty peer may stand for a field yet unknown"
_EVERYTHING = "{} selects everything"
_SELECTED = ("namespaces", "pods")
_SELECTORS = (*_SELECTED, "nodes")
ADDRESSES = ("networks", "nodes", "domainNames")
"""The peers that have no container ports."""

_HINTS = {
    Direction.INGRESS: {
        **dict.fromkeys(ADDRESSES, "only the egress rules of this API can name addresses"),
        **dict.fromkeys(_SELECTED, _EVERYTHING),
    },
    Direction.EGRESS: {
        **dict.fromkeys(ADDRESSES, "a policy of this kind cannot have it"),
        **dict.fromkeys(_SELECTORS, _EVERYTHING),
    },
}


class PeerForms(Struct, frozen=True):
    """What differs between versions of the API; ``egress`` are the peers that egress rules have.

    ``alpha1`` asks for ``namespaceSelector`` beside ``podSelector``, and has the spelling of peers
    up to v0.1.1, ``namespaces: {namespaceSelector}``. ``beta`` refuses host bits in a CIDR.
    """

    egress: tuple[str, ...] = (*_SELECTED, *ADDRESSES)
    alpha1: bool = False
    beta: bool = False


def decode_subject(field: Cursor, forms: PeerForms) -> PodsPeer | None:
    """Return the subject of a cluster-wide policy; its selectors are plain label selectors."""
    fields = field.fields(*_SELECTED)
    if fields is None:
        return None
    chosen = fields.only(_SELECTED)
    if chosen is None:
        if fields.is_empty:
            field.error(f"must have {one_of(_SELECTED)}", "every pod is namespaces: {}")
        return None
    return _selected(chosen, decode_selector, ("namespaceSelector",), forms)


def decode_peer(field: Cursor, forms: PeerForms, way: Direction, no_names: str) -> Peer | None:
    """Return a peer of a cluster-wide policy; ``no_names`` is why it cannot have domain names."""
    known = forms.egress if way is Direction.EGRESS else _SELECTED
    fields = field.fields(*known, hints=_HINTS[way])
    if fields is None:
        return None
    chosen = fields.only(known)
    if chosen is None:
        if fields.is_empty:
            field.unknown(f"must have {one_of(known)}", _CLOSED)
        return None
    match chosen.place.path[-1]:
        case "namespaces" | "pods":
            decode = _decode_wrapped if forms.alpha1 else decode_namespace_selection
            names = ("namespaceSelector", "namespaces")[: 1 + forms.alpha1]
            return _selected(chosen, decode, names, forms)
        case "nodes":
            selector = decode_selector(chosen)
            return None if selector is None else NodesPeer(selector)
        case "networks":
            return _networks(chosen, forms)
        case _:
            return _domain_names(chosen, forms, no_names)


def _selected(
    field: Cursor,
    decode_namespaces: Callable[[Cursor], NamespaceSelection | None],
    names: tuple[str, ...],
    forms: PeerForms,
) -> PodsPeer | None:
    """Return a selection of pods; ``names`` are those that the namespaces' selector may have."""
    if field.place.path[-1] == "namespaces":
        selection = decode_namespaces(field)
        return None if selection is None else PodsPeer(selection)
    fields = field.fields(*names, "podSelector")
    if fields is None:
        return None
    where = fields.only(names)
    if where is None and forms.alpha1:
        fields.require(names[0])
    selection = LabelSelector() if where is None else decode_namespaces(where)
    pods_field = fields.require("podSelector")
    pods = None if pods_field is None else decode_selector(pods_field)
    return None if selection is None or pods is None else PodsPeer(selection, pods)


def _decode_wrapped(field: Cursor) -> NamespaceSelection | None:
    """Return a selector, bare or inside ``namespaceSelector`` (v1alpha1 up to v0.1.1)."""
    if isinstance(field.value, dict) and "namespaceSelector" in field.value:
        fields = field.fields("namespaceSelector")
        inner = None if fields is None else fields.require("namespaceSelector")
        return None if inner is None else decode_namespace_selection(inner)
    return decode_namespace_selection(field)


def _networks(field: Cursor, forms: PeerForms) -> NetworksPeer:
    items = field.items(1, MAX_LIST)
    _report_repeated(items)
    return NetworksPeer(_ordered({prefix for item in items if (prefix := _network(item, forms))}))


def _network(field: Cursor, forms: PeerForms) -> Prefix | None:
    text = field.string(_MAX_CIDR)
    if text is None:
        return None
    try:
        prefix, masked = parse_prefix(text)
    except ValueError as problem:
        field.error(f"not a CIDR: {problem}", for_cidr(text))
        return None
    if masked and forms.beta:
        field.error(f"{quote(text)} has host bits set", f"{prefix} has none")
    elif masked:
        _warn_of_host_bits(field, prefix)
    return prefix


def _warn_of_host_bits(field: Cursor, prefix: Prefix) -> None:
    field.warning(f"{quote(str(field.value))} has host bits set", f"it is read as {prefix}")


def _ordered(prefixes: set[Prefix]) -> tuple[Prefix, ...]:
    return tuple(sorted(prefixes, key=lambda item: (item.family.value, item.network, item.length)))


def _report_repeated(items: tuple[Cursor, ...]) -> None:
    seen = set()
    for item in items:
        if isinstance(item.value, str) and item.value in seen:
            item.error(f"{quote(item.value)} is in the list twice")
        seen.add(item.value if isinstance(item.value, str) else None)


def _domain_names(field: Cursor, forms: PeerForms, no_names: str) -> DomainNamesPeer:
    if no_names:
        field.unknown(no_names)
    items = field.items(1, MAX_LIST)
    _report_repeated(items)
    names = {name for item in items if (name := _domain_name(item, forms)) is not None}
    return DomainNamesPeer(tuple(sorted(names)))


def _domain_name(field: Cursor, forms: PeerForms) -> str | None:
    name = field.string()
    if name is None or _DOMAIN.match(name):
        return name
    slip = not forms.beta and _DOMAIN.match(_SLIP.sub("a", name))
    report = field.unknown if slip else field.error
    report(f"{quote(name)} is not a domain name", for_domain_name(name))
    return None


def decode_network_policy_peer(field: Cursor, namespace: str) -> Peer | None:
    """Return a peer of a NetworkPolicy in that namespace."""
    fields = field.fields("podSelector", "namespaceSelector", "ipBlock")
    if fields is None:
        return None
    block = fields.get("ipBlock")
    if block is not None:
        if len(fields.present) > 1:
            field.error("'ipBlock' cannot be set together with a selector")
        return decode_ip_block(block)
    if not fields.present:
        if fields.is_empty:
            hint = f"null is as nothing; {_EVERYTHING}" if field.value else _CLOSED
            field.unknown("must have one of podSelector, namespaceSelector, ipBlock", hint)
        return None
    return _selectors(fields, namespace)


def _selectors(fields: ObjectCursor, namespace: str) -> PodsPeer:
    pods = fields.read("podSelector", decode_selector, LabelSelector())
    if fields.get("namespaceSelector") is None:
        return PodsPeer(OneNamespace(namespace), pods)
    return PodsPeer(fields.read("namespaceSelector", decode_selector, LabelSelector()), pods)


def decode_ip_block(field: Cursor) -> NetworksPeer | None:
    """Return the addresses of an ipBlock."""
    fields = field.fields("cidr", "except")
    if fields is None:
        return None
    cidr_field, except_field = fields.require("cidr"), fields.get("except")
    cidr = None if cidr_field is None else _cidr(cidr_field)
    excepted = set()
    for item in () if except_field is None else except_field.items(0):
        prefix = _cidr(item)
        if prefix is not None and cidr is not None and not _inside(prefix, cidr):
            item.error(f"{prefix} is not strictly inside the cidr {cidr}")
        if prefix is not None:
            excepted.add(prefix)
    return None if cidr is None else NetworksPeer((cidr,), _ordered(excepted))


def _cidr(field: Cursor) -> Prefix | None:
    """Return a network of an ipBlock, of which the API server takes more than can be told."""
    text = field.string()
    if text is None:
        return None
    try:
        prefix, masked = parse_prefix(text)
    except ValueError as problem:
        report = field.unknown if is_lax_prefix(text) else field.error
        report(f"not a CIDR: {problem}", for_cidr(text))
        return None
    if masked:
        _warn_of_host_bits(field, prefix)
    return prefix


def _inside(inner: Prefix, outer: Prefix) -> bool:
    (low, high), (first, last) = inner.interval, outer.interval
    within = first <= low and high <= last
    return inner.family is outer.family and within and inner.length > outer.length
