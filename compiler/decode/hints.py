"""What to write instead of what is wrong: one sentence, or none where nothing certain is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from .other_apis import ADDRESSES, SENTENCES, UNKNOWN_FIELDS, WORDS

Path = Sequence[str | int]

_MOST = 60
_RANGE = re.compile(r"\s*(\d{1,5})\s*[-:]\s*(\d{1,5})\s*\Z")
_LABEL = re.compile(r"\s*([\w./-]+?)\s*(?:==?|:)\s*([\w.-]*)\s*\Z")
_ADDRESS = re.compile(r"[0-9.]+(?:/[0-9.]+)?\Z|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?:/[0-9]+)?\Z")
_EVERYTHING = frozenset({"*", "all", "any", "everything", "everyone"})
_PROTOCOLS = ("tcp", "udp", "sctp")
_OF_NAMESPACES = ("namespaces", "namespaceSelector")
_NAME_LABEL = "kubernetes.io/metadata.name"
_NO_ADDRESSES = "only the egress rules of this API can name addresses"
_SELECTORS = (*_OF_NAMESPACES, "podSelector", "nodes")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word most like this one, or nothing."""
    by_lower = {item.lower(): item for item in known}
    near = get_close_matches(word.lower()[:100], by_lower, n=1, cutoff=0.6)
    return f"did you mean '{by_lower[near[0]]}'?" if near else ""


def for_field(path: Path, name: str, value: object, known: Sequence[str]) -> str:
    """Return the hint for an unknown field of the mapping at the path."""
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
    return value if isinstance(value, str) and _ADDRESS.match(value) else "10.0.0.0/8"


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
    if near and name[:1] == "m":
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


def for_list(value: object) -> str:
    """Return the hint for what is no list."""
    if isinstance(value, dict):
        return "an item of a list begins with '- '"
    if isinstance(value, str) and "," in value:
        return f"write it as a list: [{', '.join(part.strip() for part in value.split(','))}]"
    return "" if value is None else f"write it as a list: [{flow(value)}]"


def for_mapping(path: Path, value: object, known: Sequence[str]) -> str:
    """Return the hint for what is no mapping; some of the fields that it may have are known."""
    name = _name(path)
    if isinstance(path[-1] if path else None, int):
        return _item(name, value, known)
    if name in ("destinationPort", "range", "portNumber", "portRange", *_PROTOCOLS):
        return _port(name, value)
    if name == "ipBlock" and isinstance(value, str):
        return f"write ipBlock: {{cidr: {value}}}"
    if name in _SELECTORS or name in ("pods", "matchLabels"):
        return _selector(name, value)
    if isinstance(value, list):
        return "this is no list: take the '- ' away"
    return _pair(value)


def _item(name: str, value: object, known: Sequence[str]) -> str:
    """Return the hint for an item of a list that has mappings."""
    text = str(value)
    if name in ("protocols", "ports") and isinstance(value, str | int):
        return _entry(text, known)
    if name in ("from", "to") and isinstance(value, str):
        if _ADDRESS.match(value):
            block = f"ipBlock: {{cidr: {value}}}" if "ipBlock" in known else f"networks: [{value}]"
            return f"write {block}"
        return "a peer says what it is, such as namespaces: {matchLabels: …}" * (
            "namespaces" in known
        )
    if isinstance(value, list):
        return "an item of this list is a mapping: one '- ' is enough"
    return _pair(value)


def _entry(text: str, known: Sequence[str]) -> str:
    """Return the hint for a protocol or port alone, where a mapping is an entry."""
    protocol, port = (text.upper(), "80") if text.lower() in _PROTOCOLS else ("TCP", text)
    if "endPort" in known:
        named = f"{{protocol: {protocol}}}"
        return f"write {named}" if port != text else f"write {{protocol: TCP, port: {text}}}"
    if port != text:  # the whole protocol
        both = "start: 1, end: 65535"
        if "portRange" in known:
            return f"for all of its ports: portRange: {{protocol: {protocol}, {both}}}"
        return f"for all of its ports: {text.lower()}: {{destinationPort: {{range: {{{both}}}}}}}"
    if "portNumber" in known:
        return f"write portNumber: {{protocol: TCP, port: {text}}}"
    if "destinationNamedPort" in known:
        return f"write tcp: {{destinationPort: {port_words(text)}}}"
    return ""


def _port(name: str, value: object) -> str:
    """Return the hint for a port that stands where a mapping says which."""
    if isinstance(value, list):
        if name == "range" and len(value) == 2:  # noqa: PLR2004 - start and end
            return f"write range: {{start: {flow(value[0])}, end: {flow(value[1])}}}"
        return "an entry for each port"
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    text = str(value)
    span = _RANGE.match(text)
    if name in ("portNumber", "portRange"):
        if span:
            return f"write portRange: {{protocol: TCP, start: {span[1]}, end: {span[2]}}}"
        return f"write portNumber: {{protocol: TCP, port: {text}}}"
    if name == "range":
        return f"write range: {{start: {span[1]}, end: {span[2]}}}" if span else ""
    if not span and not text.isdecimal():
        return f"a name is the whole entry: destinationNamedPort: {text}"
    words = port_words(text)
    return f"write {name}: " + (
        words if name == "destinationPort" else f"{{destinationPort: {words}}}"
    )


def port_words(text: str) -> str:
    """Return a port or a range of ports as ``destinationPort`` has it."""
    span = _RANGE.match(text)
    return f"{{range: {{start: {span[1]}, end: {span[2]}}}}}" if span else f"{{number: {text}}}"


def _selector(name: str, value: object) -> str:
    """Return the hint for text or a list where labels select."""
    if isinstance(value, str) and value.lower() in _EVERYTHING:
        return f"{name}: {{}} selects all" if name != "pods" else ""
    label = _LABEL.match(value) if isinstance(value, str) else None
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
        return f"a blank follows the colon: {match[1]}: {match[2]}"[:_MOST]
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
    return ""


def for_number(path: Path, value: object) -> str:
    """Return the hint for what is no whole number."""
    if not isinstance(value, str):
        return ""
    if value.strip().isdecimal():
        return f"write the number without quotes: {value.strip()}"
    span, name = _RANGE.match(value), _name(path)
    if name == "number":
        if span:
            return f"write destinationPort: {port_words(value)}"
        return f"a name is the whole entry: destinationNamedPort: {value}" if value else ""
    if name == "port" and span:
        return f"write portRange: {{protocol: TCP, start: {span[1]}, end: {span[2]}}}"
    return f"a name is the whole entry: namedPort: {value}" if name == "port" and value else ""


def for_port_name(text: str) -> str:
    """Return the hint for text that is not the name of a port of a NetworkPolicy."""
    if text.isdecimal():
        return "write the number without quotes"
    if span := _RANGE.match(text):
        return f"write port: {span[1]}, endPort: {span[2]}"
    if "," in text:
        return "an entry for each port"
    return "at most 15 lower-case letters, digits and '-', at least one letter"


def for_cidr(text: str) -> str:
    """Return the hint for text that is not a CIDR."""
    if text.lower() in _EVERYTHING or text in ("0.0.0.0", "::"):  # noqa: S104 - listens to nothing
        return "all addresses are 0.0.0.0/0 and ::/0"
    if re.match(r"[0-9]+(\.[0-9]+){3}\Z", text):
        octets = len(text) - len(re.sub(r"(?:\.0)+\Z", "", text))
        if octets:
            return f"the network is {text}/{32 - 4 * octets}, this one address {text}/32"
        return f"this one address is {text}/32"
    if ":" in text and _ADDRESS.match(text) and "/" not in text:
        return f"this one address is {text}/128"
    if re.match(r"[^/]+-[^/]+\Z", text):
        return "a range is said by CIDRs, such as 10.0.0.0/8"
    if re.match(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}\Z", text):
        return "a name is no address: domainNames"
    return "such as 10.0.0.0/8 or fd00::/8"


def flow(value: object) -> str:
    """Return a value as people write it in YAML on one line, cut if long."""
    text = _flow(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"


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


def _name(path: Path) -> str:
    """Return the last field of a path, that of the list for an item of it."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")
