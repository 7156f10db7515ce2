"""Subjects and peers of all policy kinds."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..net import Prefix, parse_prefix
from ..policy import (
    Action,
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
from .findings import one_of, quote
from .hints import for_cidr
from .labels import decode_namespace_selection, decode_selector
from .tree import Field, Fields

MAX_LIST = 25
PEERS_FIELD = {Direction.INGRESS: "from", Direction.EGRESS: "to"}
"""What a rule of each direction calls its peers, in every API."""

_MAX_CIDR = 43
# The CRD's pattern without its slip `A-z`, which v1beta1 has corrected.
_DOMAIN = re.compile(
    r"(?:\*\.)?(?:[a-zA-Z0-9](?:[-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+"
    r"[a-zA-Z0-9](?:[-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?\Z"
)
_CLOSED = "an empty peer may stand for a field yet unknown"
_EVERYTHING = "{} selects everything"
_SELECTED = ("namespaces", "pods")
_SELECTORS = (*_SELECTED, "nodes")
_ELSEWHERE = dict.fromkeys(
    ("nodes", "networks", "domainNames"), "a peer of this kind or direction cannot have it"
)


def decode_subject(field: Field) -> PodsPeer | None:
    """Return the subject of a cluster-wide policy; its selectors are plain label selectors."""
    fields = field.fields(*_SELECTED)
    if fields is None:
        return None
    chosen = fields.only(_SELECTED)
    if chosen is None:
        if fields.is_empty:
            field.error(f"must have {one_of(_SELECTED)}")
        return None
    return _selected(chosen, decode_selector, wrapped=False)


def decode_peer(
    field: Field, known: tuple[str, ...], action: Action | None, *, wrapped: bool
) -> Peer | None:
    """Return a peer of a cluster-wide policy, of one of the known fields.

    ``wrapped`` allows the spelling of v1alpha1 up to v0.1.1: ``namespaces: {namespaceSelector}``.
    """
    hints = _ELSEWHERE | {name: _EVERYTHING for name in known if name in _SELECTORS}
    fields = field.fields(*known, hints=hints)
    if fields is None:
        return None
    chosen = fields.only(known)
    if chosen is None:
        if fields.is_empty:
            field.unknown(f"must have {one_of(known)}", _CLOSED)
        return None
    match chosen.place.path[-1]:
        case "namespaces" | "pods":
            decode = _decode_wrapped if wrapped else decode_namespace_selection
            return _selected(chosen, decode, wrapped=wrapped)
        case "nodes":
            selector = decode_selector(chosen)
            return None if selector is None else NodesPeer(selector)
        case "networks":
            return _networks(chosen)
        case _:
            return _domain_names(chosen, action)


def _selected(
    field: Field, decode_namespaces: Callable[[Field], NamespaceSelection | None], *, wrapped: bool
) -> PodsPeer | None:
    if field.place.path[-1] == "namespaces":
        selection = decode_namespaces(field)
        return None if selection is None else PodsPeer(selection)
    names = ("namespaceSelector", "namespaces") if wrapped else ("namespaceSelector",)
    fields = field.fields(*names, "podSelector")
    if fields is None:
        return None
    where = fields.only(names)
    if where is None and wrapped:  # optional in ClusterNetworkPolicy, required in v1alpha1
        fields.require(names[0])
    selection = LabelSelector() if where is None else decode_namespaces(where)
    pods_field = fields.require("podSelector")
    pods = None if pods_field is None else decode_selector(pods_field)
    return None if selection is None or pods is None else PodsPeer(selection, pods)


def _decode_wrapped(field: Field) -> NamespaceSelection | None:
    """Return a selector, bare or inside ``namespaceSelector`` (v1alpha1 up to v0.1.1)."""
    if isinstance(field.value, dict) and "namespaceSelector" in field.value:
        fields = field.fields("namespaceSelector")
        inner = None if fields is None else fields.require("namespaceSelector")
        return None if inner is None else decode_namespace_selection(inner)
    return decode_namespace_selection(field)


def _networks(field: Field) -> NetworksPeer:
    items = field.items(1, MAX_LIST)
    _report_repeated(items)
    return NetworksPeer(_ordered({prefix for item in items if (prefix := _cidr(item))}))


def _ordered(prefixes: set[Prefix]) -> tuple[Prefix, ...]:
    return tuple(sorted(prefixes, key=lambda item: (item.family.value, item.network, item.length)))


def _report_repeated(items: tuple[Field, ...]) -> None:
    seen = set()
    for item in items:
        if isinstance(item.value, str) and item.value in seen:
            item.error(f"{quote(item.value)} is in the list twice")
        seen.add(item.value if isinstance(item.value, str) else None)


def _cidr(field: Field) -> Prefix | None:
    text = field.string(_MAX_CIDR)
    if text is None:
        return None
    try:
        prefix, masked = parse_prefix(text)
    except ValueError as problem:
        field.error(f"not a CIDR: {problem}", for_cidr(text))
        return None
    if masked:
        field.warning(f"{quote(text)} has host bits set", f"it is read as {prefix}")
    return prefix


def _domain_names(field: Field, action: Action | None) -> DomainNamesPeer:
    if action in (Action.DENY, Action.PASS):
        field.error(f"can only be in a rule that accepts, not in a {action.value}")
    items = field.items(1, MAX_LIST)
    _report_repeated(items)
    names = {name for item in items if (name := _domain_name(item)) is not None}
    return DomainNamesPeer(tuple(sorted(names)))


def _domain_name(field: Field) -> str | None:
    name = field.string()
    if name is not None and not _DOMAIN.match(name):
        field.error(
            f"{quote(name)} is not a domain name", "'*.' can only stand for whole leading labels"
        )
        return None
    return name


def decode_network_policy_peer(field: Field, namespace: str) -> Peer | None:
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


def _selectors(fields: Fields, namespace: str) -> PodsPeer:
    pods = fields.read("podSelector", decode_selector, LabelSelector())
    if fields.get("namespaceSelector") is None:
        return PodsPeer(OneNamespace(namespace), pods)
    return PodsPeer(fields.read("namespaceSelector", decode_selector, LabelSelector()), pods)


def decode_ip_block(field: Field) -> NetworksPeer | None:
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


def _inside(inner: Prefix, outer: Prefix) -> bool:
    (low, high), (first, last) = inner.interval, outer.interval
    within = first <= low and high <= last
    return inner.family is outer.family and within and inner.length > outer.length
