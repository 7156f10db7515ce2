"""What tools print and is taken for manifests by mistake: told as one error, by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ...model.policy import DUMP
from ..problems import quote

_MIXED = "'2>&1' mixes kubectl's messages into its output: leave it out"
_FAILED = "the command that wrote it failed: mend that first"
_START = 2000
_HELM = "helm template renders the chart"
_KUSTOMIZE = "kustomize build renders it, with all that it names"
_RENDERED = (
    (r"kustomization\.ya?ml\Z|Kustomization\Z", _KUSTOMIZE),
    (
        r"values[\w.-]*\.(?:ya?ml|json)\Z|Chart\.(?:yaml|lock)\Z|requirements\.yaml\Z",
        _HELM,
    ),
)
NOT_ONE = "not a manifest: the fields 'apiVersion' and 'kind' are required"
"""The message for a mapping that is no Kubernetes object at all."""

_OURS = "# Network policy of node "
_MANIFEST = ("apiVersion:", "kind:", "---", "{", "[", "#")
"""How manifests mostly begin; then no pattern need be compiled."""

_KINDS = (
    (
        r"(?:error:|Error from server|Error:|Unable to connect|The connection to the server)",
        "not a manifest but an error message",
        _FAILED,
    ),
    (
        r"No resources found",
        "not a manifest: kubectl found nothing",
        f"was the right cluster or namespace asked? {DUMP}",
    ),
    (r"(?:Warning:|[WIE]\d{4} \d\d:\d\d:)", "not a manifest but a message of kubectl", _MIXED),
    (
        r"(?:NAMESPACE +)?NAME {2,}[A-Z]",
        "not a manifest but a table",
        f"ask kubectl for YAML or JSON: {DUMP}",
    ),
    (
        r"Name: {2,}\S",
        "not a manifest but what kubectl describe prints",
        f"ask kubectl for YAML or JSON: {DUMP}",
    ),
    (
        r"(?:namespaces?|pods?|nodes?|networkpolic(?:y|ies)|clusternetworkpolic(?:y|ies))[\w.]*/\S+$",
        "not a manifest but the names of objects",
        f"ask kubectl for YAML or JSON: {DUMP}",
    ),
    (
        rf"{_OURS}.*, compiled by cnpc ",
        "not a manifest but a ruleset that cnpc compiled",
        "cnpc apply puts it in force",
    ),
    (
        r"(?:table (?:inet|ip6?) |flush ruleset|\*(?:filter|raw|mangle|nat)$|create \S+ hash:)",
        "not a manifest but rules of a packet filter",
        "cnpc reads Kubernetes objects, and writes such rules",
    ),
    (
        r"(?i:<!doctype html|<html|<\?xml)",
        "not a manifest but a web page",
        "of a page that shows a file, take the address of the file itself (raw)",
    ),
    (
        r"(?:diff --git |--- a/|Index: )",
        "not a manifest but a difference of files",
        "apply it to the files first",
    ),
)


def recognize(data: bytes) -> tuple[int, str, str] | None:
    """Return the line, counted from 1, a message and a hint if the text is no manifest at all."""
    text = data[:_START].decode("utf-8-sig", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            usual = line.startswith(_MANIFEST) and not line.startswith((_OURS, "--- "))
            return None if usual else _recognize(line, number)
    return None


def _recognize(line: str, number: int) -> tuple[int, str, str] | None:
    for pattern, message, hint in _KINDS:
        if re.match(pattern, line):
            return number, message, hint
    return None


def answer_of_server(type_name: str, value: Callable[[], object]) -> tuple[str, str] | None:
    """Return a message and a hint for what an API server answers that holds no whole object."""
    if type_name == "v1/Status":
        said = value()
        why = said.get("message") if isinstance(said, dict) else None
        text = f": {quote(why)}" if isinstance(why, str) else ""
        return f"not a manifest but the API server's refusal{text}", _FAILED
    if type_name.startswith("meta.k8s.io/"):
        kind = type_name.rpartition("/")[2]
        return f"not a manifest but a {kind}, which has no whole objects", f"ask for them: {DUMP}"
    return None


def without_kind(keys: Iterable[str]) -> str:
    """Return the hint for a mapping with these keys, which says not what object it is."""
    names = set(keys)
    if {"type", "object"} <= names:
        return "this is an event of a watch: its 'object' is the manifest"
    wrong = [key for key in keys if key.lower() in ("apiversion", "kind")]
    return f"capital and small letters count: {' and '.join(map(repr, wrong))}" if wrong else ""


def rendered_by(path: str) -> str:
    """Return what makes manifests of a file of that name; nothing if manifests may have it."""
    name = path.rpartition("/")[2].removesuffix(".gz")
    return next((hint for pattern, hint in _RENDERED if re.match(pattern, name)), "")
