"""What to write instead of what is wrong: one sentence, or none where nothing certain is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from .flow_style import MOST, flow
from .other_apis import ADDRESSES, SENTENCES, UNKNOWN_FIELDS, WORDS
from .ports import PROTOCOLS, for_entry, for_port, for_port_number
from .values import ADDRESS, EVERYTHING, LABEL

Path = Sequence[str | int]

_OF_NAMESPACES = ("namespaces", "namespaceSelector")
_NAME_LABEL = "kubernetes.io/metadata.name"
_NO_ADDRESSES = "only the egress rules of this API can name addresses"
_OF_MAPPINGS = frozenset(
    ("ingress", "egress", "from", "to", "ports", "protocols", "matchExpressions", "items")
)
_SELECTORS = (*_OF_NAMESPACES, "podSelector", "nodes")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word most like this one, or nothing."""
    by_lower = {item.lower(): item for item in known}
    near = get_close_matches(word.lower()[:100], by_lower, n=1, cutoff=0.6)
    return f"did you mean '{by_lower[near[0]]}'?" if near else ""


def for_field(path: Path, name: str, value: object, known: Sequence[str]) -> str:
    """Return the hint for an unknown field of the mapping at the path."""
    if name.startswith("-"):
        return f"a blank follows the '-': - {name.lstrip('-')}"
    if "matchLabels" in known:
        return _in_selector(path, name, value, known)
    lower = name.lower()
    if same := [item for item in known if item.lower() == lower]:
        return f"did you mean '{same[0]}'?"
    table: Mapping[str, str] = next(
        (words for marker, words in UNKNOWN_FIELDS.items() if marker in known), {}
    )
    if name not in table:
        return did_you_mean(name, known)
    if name in ADDRESSES and "namespaces" in known and "networks" not in known:
        return _NO_ADDRESSES
    return table[name].replace("<value>", flow(value)).replace("<cidr>", _cidr(value))


def _cidr(value: object) -> str:
    """Return the first CIDR of what another API has there, or one as an example."""
    while isinstance(value, list | dict) and value:
        value = value[0] if isinstance(value, list) else value.get("cidr")
    return value if isinstance(value, str) and ADDRESS.match(value) else "10.0.0.0/8"


def _in_selector(path: Path, name: str, value: object, known: Sequence[str]) -> str:
    """Return the hint for a field of a label selector: labels come there most."""
    where = _name(path)
    if name in _OF_NAMESPACES or name == "podSelector":
        if where == "namespaces" and name == "podSelector":
            return "pods of namespaces are pods: {namespaceSelector: …, podSelector: …}"
        return f"the selector stands directly below: {where}: {flow(value)}"
    if where in _OF_NAMESPACES and name in ("name", "names", "matchName", "matchNames"):
        return _namespaces(value)
    near = did_you_mean(name, known)
    if near and name.startswith("m"):  # others, such as 'labels' or 'sample', may well be labels
        return near
    if isinstance(value, str | int | float) or value is None:
        return f"labels stand below matchLabels: {where}: {flow({'matchLabels': {name: value}})}"
    return near


def _namespaces(value: object) -> str:
    names = [str(item) for item in (value if isinstance(value, list) else [value])]
    if len(names) == 1:
        return (
            f"a namespace has its name as a label: {flow({'matchLabels': {_NAME_LABEL: names[0]}})}"
        )
    expression = {"key": _NAME_LABEL, "operator": "In", "values": names}
    return f"namespaces have their names as a label: matchExpressions: [{flow(expression)}]"


def for_word(path: Path, word: str, choices: Iterable[str]) -> str:
    """Return the hint for a word that is none of the choices."""
    known, lower, field = tuple(choices), word.lower(), _name(path)
    ours = WORDS.get(field, {}).get(lower)
    if ours in known and lower not in map(str.lower, known):
        answers = "; --deny-with reject answers" if lower == "reject" else ""
        return f"this API's word is '{ours}'{answers}"
    return SENTENCES.get(field, {}).get(lower) or did_you_mean(word, known)


def for_list(path: Path, value: object) -> str:
    """Return the hint for what is no list."""
    if isinstance(value, dict) or _name(path) in _OF_MAPPINGS:
        return "an item of a list begins with '- '"
    if isinstance(value, str) and "," in value:
        return f"write it as a list: [{', '.join(part.strip() for part in value.split(','))}]"
    return "" if value is None else f"write it as a list: [{flow(value)}]"


def for_mapping(path: Path, value: object, known: Sequence[str]) -> str:
    """Return the hint for what is no mapping; some of the fields that it may have are known."""
    name = _name(path)
    if isinstance(path[-1] if path else None, int):
        return _item(name, value, known)
    if name in ("destinationPort", "range", "portNumber", "portRange", *PROTOCOLS):
        return for_port(name, value)
    if name == "ipBlock" and isinstance(value, str):
        return f"write ipBlock: {{cidr: {value}}}"
    if name in _SELECTORS or name in ("pods", "matchLabels"):
        return _selector(name, value)
    if name == "subject":
        return "every pod is subject: {namespaces: {}}"
    if isinstance(value, list):
        return "this is no list: take the '- ' away"
    return _pair(value)


def _item(name: str, value: object, known: Sequence[str]) -> str:
    """Return the hint for an item of a list that has mappings."""
    if name in ("protocols", "ports") and isinstance(value, str | int):
        return for_entry(value, known)
    if name in ("from", "to") and isinstance(value, str):
        if ADDRESS.match(value):
            block = f"ipBlock: {{cidr: {value}}}" if "ipBlock" in known else f"networks: [{value}]"
            return f"write {block}"
        if "namespaces" in known:
            return "a peer says what it is, such as namespaces: {matchLabels: …}"
    if isinstance(value, list):
        return "an item of this list is a mapping: one '- ' is enough"
    return _pair(value)


def _selector(name: str, value: object) -> str:
    """Return the hint for text or a list where labels select."""
    if isinstance(value, str) and value.lower() in EVERYTHING:
        return f"{name}: {{}} selects all" if name != "pods" else ""
    label = LABEL.match(value) if isinstance(value, str) else None
    if name == "matchLabels":
        if label:
            return f"write {label[1]}: {label[2]}, with a blank after the colon"
        return "labels are a mapping: key: value, without '- '" if isinstance(value, list) else ""
    if label:
        return (
            f"write {name}: {{matchLabels: {{{label[1]}: {label[2]}}}}}" if name != "pods" else ""
        )
    texts = value if isinstance(value, list) else [value]
    if name in _OF_NAMESPACES and texts and all(isinstance(item, str) for item in texts):
        return _namespaces(value)
    return "what is selected is told by labels: {matchLabels: {key: value}}"


def _pair(value: object) -> str:
    """Return the hint for ``key:value``, which YAML takes for text."""
    if isinstance(value, str) and (match := re.match(r"([\w./-]+):(\S.*)\Z", value)):
        return f"a blank follows the colon: {match[1]}: {match[2]}"[:MOST]
    return ""


def for_string(path: Path, value: object) -> str:
    """Return the hint for what is no text."""
    if isinstance(value, bool | int | float):
        words = WORDS.get(_name(path), {})
        return f"write {words[str(value)]}" if str(value) in words else "write it in quotes"
    if isinstance(value, dict) and isinstance(value.get("cidr"), str) and _name(path) == "networks":
        return f"a CIDR alone: networks: [{value['cidr']}]"
    if isinstance(value, list) and _name(path) == "cidr":
        return "one CIDR, and one ipBlock for each"
    if isinstance(value, list) and tuple(path[-2:-1]) == ("matchLabels",):
        expression = {"key": path[-1], "operator": "In", "values": value}
        return f"of several values: matchExpressions: [{flow(expression)}]"
    return ""


def for_number(path: Path, value: object) -> str:
    """Return the hint for what is no whole number."""
    return for_port_number(_name(path), value)


def for_empty_list(path: Path) -> str:
    """Return the hint for a list that must not be empty."""
    return "every pod is namespaces: {}" if _name(path) in ("from", "to") else ""


def for_both(names: Sequence[str]) -> str:
    """Return the hint for fields that exclude each other."""
    if set(names) == {"namespaces", "pods"}:
        return "pods of some namespaces are pods: {namespaceSelector: …, podSelector: …}"
    return ""


def _name(path: Path) -> str:
    """Return the last field of a path, that of the list for an item of it."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")
