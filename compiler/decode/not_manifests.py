"""What tools print and is taken for manifests by mistake: told as one error, by its name."""

from __future__ import annotations

import re

from ..policy import DUMP

_MIXED = "'2>&1' mixes kubectl's messages into its output: leave it out"
_START = 2000
_HELM = "helm template renders the chart"
_KUSTOMIZE = "kustomize build renders it, with all that it names"
_RENDERED = (
    (re.compile(r"kustomization\.ya?ml\Z|Kustomization\Z"), _KUSTOMIZE),
    (
        re.compile(r"values[\w.-]*\.(?:ya?ml|json)\Z|Chart\.(?:yaml|lock)\Z|requirements\.yaml\Z"),
        _HELM,
    ),
)
NOT_ONE = "not a manifest: the fields 'apiVersion' and 'kind' are required"
"""The message for a mapping that is no Kubernetes object at all."""

_KINDS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), message, hint)
    for pattern, message, hint in (
        (
            r"(?:error:|Error from server|Error:|Unable to connect|The connection to the server)",
            "not a manifest but an error message",
            "the command that wrote it failed: mend that first",
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
            r"# Network policy of node .*, compiled by cnpc ",
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
)


def recognize(data: bytes) -> tuple[int, str, str] | None:
    """Return the line, counted from 1, a message and a hint if the text is no manifest at all."""
    text = data[:_START].decode("utf-8-sig", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            for pattern, message, hint in _KINDS:
                if pattern.match(line):
                    return number, message, hint
            return None
    return None


def rendered_by(path: str) -> str:
    """Return what makes manifests of a file of that name; nothing if manifests may have it."""
    name = path.rpartition("/")[2].removesuffix(".gz")
    return next((hint for pattern, hint in _RENDERED if pattern.match(name)), "")
